#include "languages/version.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Numbers. */

/* The length of the number at `text`: digits, with '.' only between two of them. */
static size_t number_at(const char *text, bool *dotted)
{
    size_t len = 0;

    *dotted = false;
    while (isdigit((unsigned char)text[len]) || (len > 0 && text[len] == '.' && isdigit((unsigned char)text[len + 1])))
        *dotted |= text[len++] == '.';
    return len;
}

int version_in(const char *text, char *out, size_t room)
{
    const char *found = NULL;
    size_t found_len = 0;

    while (*text != '\0') {
        bool dotted;
        size_t len = number_at(text, &dotted);

        if (dotted || (len > 0 && found == NULL)) {
            found = text;
            found_len = len;
        }
        if (dotted)
            break;
        text += len > 0 ? len : 1;
    }
    if (found == NULL || found_len >= room)
        return -1;
    memcpy(out, found, found_len);
    out[found_len] = '\0';
    return 0;
}

/* The digits at *at, which moves past them. A number that does not fit becomes the largest one. */
static uint64_t range_read_part(const char **at)
{
    uint64_t value = 0;

    for (; isdigit((unsigned char)**at); ++*at)
        value = value > (UINT64_MAX - 9) / 10 ? UINT64_MAX : value * 10 + (uint64_t)(**at - '0');
    return value;
}

static size_t read_parts(const char *number, uint64_t parts[VERSION_PARTS_MAX])
{
    size_t len = 0;

    memset(parts, 0, VERSION_PARTS_MAX * sizeof *parts);
    while (len < VERSION_PARTS_MAX && isdigit((unsigned char)*number)) {
        parts[len++] = range_read_part(&number);
        number += *number == '.';
    }
    return len;
}

static int compare_parts(const uint64_t *a, const uint64_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

int version_compare(const char *a, const char *b)
{
    uint64_t left[VERSION_PARTS_MAX], right[VERSION_PARTS_MAX];

    read_parts(a, left);
    read_parts(b, right);
    return compare_parts(left, right, VERSION_PARTS_MAX);
}

/* Reading a range. */

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_spaces(const char *at)
{
    while (is_space(*at))
        at++;
    return at;
}

/* Moves past spaces and at most one comma between two conditions. */
static const char *skip_gap(const char *at)
{
    at = skip_spaces(at);
    return *at == ',' ? skip_spaces(at + 1) : at;
}

static bool ends_word(char c)
{
    return c == '\0' || c == ',' || is_space(c);
}

static bool is_wild(char c)
{
    return c == 'x' || c == 'X' || c == '*';
}

/* "3.11", "3.x", "v3", "*"; *at moves past it. -1: it is something else. */
static int read_bound(const char **at, struct version_condition *out, bool *wild)
{
    const char *p = *at;

    *wild = false;
    out->len = 0;
    if ((*p == 'v' || *p == 'V') && isdigit((unsigned char)p[1]))
        p++;
    for (;; p++) {
        if (is_wild(*p)) {
            *wild = true;
            p++;
        } else if (isdigit((unsigned char)*p) && !*wild && out->len < VERSION_PARTS_MAX) {
            out->parts[out->len++] = range_read_part(&p);
        } else {
            return -1;
        }
        if (*p != '.')
            break;
    }
    *at = p;
    return ends_word(*p) ? 0 : -1;
}

static struct version_condition *version_add_condition(struct version_range *range,
                                                       const struct version_condition *bound,
                                                       enum version_relation relation, size_t len)
{
    struct version_condition *condition;

    if (range->count == VERSION_CONDITIONS_MAX)
        return NULL;
    condition = &range->conditions[range->count++];
    *condition = *bound;
    condition->relation = relation;
    condition->len = len;
    return condition;
}

/* How many parts must stay the same for ^ or ~. */
static size_t kept_by(char sign, const struct version_condition *bound)
{
    size_t len = 0;

    if (sign == '~')
        return bound->len < 2 ? bound->len : 2;
    while (len < bound->len && bound->parts[len] == 0)
        len++;
    return len < bound->len ? len + 1 : len;
}

static const struct sign {
    const char *text;
    enum version_relation relation;
} signs[] = {{">=", VERSION_AT_LEAST}, {"<=", VERSION_AT_MOST}, {">", VERSION_ABOVE},
             {"<", VERSION_BELOW},     {"=", VERSION_SAME},     {"", VERSION_SAME}};

static int read_caret(struct version_range *range, const char **at)
{
    struct version_condition bound = {0};
    char sign = *(*at)++;
    bool wild;

    *at = skip_spaces(*at);
    if (read_bound(at, &bound, &wild) != 0 || bound.len == 0)
        return -1;
    return version_add_condition(range, &bound, VERSION_AT_LEAST, bound.len) != NULL &&
                   version_add_condition(range, &bound, VERSION_SAME, kept_by(sign, &bound)) != NULL
               ? 0
               : -1;
}

static int read_condition(struct version_range *range, const char **at)
{
    struct version_condition bound = {0};
    const struct sign *sign = signs;
    bool wild;

    if (**at == '^' || **at == '~')
        return read_caret(range, at);
    while (strncmp(*at, sign->text, strlen(sign->text)) != 0)
        sign++;
    bool bare = *sign->text == '\0';
    *at = skip_spaces(*at + strlen(sign->text));
    if (bare && strncasecmp(*at, "latest", 6) == 0 && ends_word((*at)[6])) {
        *at += 6;
        return 0;
    }
    if (read_bound(at, &bound, &wild) != 0 || (bound.len == 0 && !bare))
        return -1; /* ">=*" has no meaning */
    return bound.len == 0 || version_add_condition(range, &bound, sign->relation, bound.len) != NULL ? 0 : -1;
}

static bool is_range_word(const char *text, size_t len)
{
    return (len == 1 && (is_wild(*text) || *text == 'v' || *text == 'V')) ||
           (len == 6 && strncasecmp(text, "latest", 6) == 0);
}

/* The length of the name that the text begins with: to its last letter, so that "clang19" is clang's 19. */
static size_t range_name_at(const char *text)
{
    size_t len = 0;

    if (isalpha((unsigned char)*text))
        for (size_t i = 0; isalnum((unsigned char)text[i]); i++)
            if (isalpha((unsigned char)text[i]))
                len = i + 1;
    return is_range_word(text, len) ? 0 : len;
}

bool version_is_name(const char *text)
{
    size_t len = range_name_at(text);

    if (len == 0 || len > VERSION_NAME_MAX || text[len] != '\0')
        return false;
    while (len > 0)
        if (isupper((unsigned char)text[--len]))
            return false;
    return true;
}

/* The name and the '-' after it; *at moves to the range. -1: no range can follow. */
static int range_read_name(struct version_range *range, const char **at)
{
    size_t len = range_name_at(*at);

    if (len > VERSION_NAME_MAX)
        return -1;
    for (size_t i = 0; i < len; i++)
        range->name[i] = (char)tolower((unsigned char)(*at)[i]);
    *at += len;
    if (len == 0 || **at != '-')
        return 0;
    ++*at;
    return **at == '\0' || is_space(**at) ? -1 : 0;
}

int version_range_read(struct version_range *out, const char *text)
{
    const char *at = skip_spaces(text);

    *out = (struct version_range){.count = 0};
    if (strlen(text) > VERSION_RANGE_MAX || *at == '\0' || range_read_name(out, &at) != 0)
        return -1;
    at = skip_spaces(at);
    while (*at != '\0') {
        if (read_condition(out, &at) != 0)
            return -1;
        const char *next = skip_gap(at);
        if (*next == '\0' && next != skip_spaces(at))
            return -1; /* a comma that nothing follows */
        at = next;
    }
    return 0;
}

int version_range_parse(struct version_range *out, const char *text, struct error *error)
{
    if (version_range_read(out, text) != 0)
        return error_set(error, ERROR_INVALID, "version: must be a version or a range, such as 3, 3.11 or >=20");
    return 0;
}

/* Choosing. */

static bool holds(const struct version_condition *condition, const uint64_t *parts)
{
    int order = compare_parts(parts, condition->parts, condition->len);

    switch (condition->relation) {
    case VERSION_SAME:
        return order == 0;
    case VERSION_AT_LEAST:
        return order >= 0;
    case VERSION_ABOVE:
        return order > 0;
    case VERSION_AT_MOST:
        return order <= 0;
    case VERSION_BELOW:
        return order < 0;
    }
    return false;
}

bool version_fits(const struct version_range *range, const char *number)
{
    uint64_t parts[VERSION_PARTS_MAX];

    read_parts(number, parts);
    for (size_t i = 0; i < range->count; i++)
        if (!holds(&range->conditions[i], parts))
            return false;
    return true;
}
