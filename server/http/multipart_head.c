#include "http/multipart_head.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"
#define NAME_ENDS " \t\r\n;=\",()<>@:\\/[]?"
#define VALUE_ENDS " \t\r\n;\"" /* clients do not quote all that they should */

/* A text within another: it ends with NUL only once span_end() has put one. */
struct span {
    char *text; /* NULL: there is none */
    size_t len;
};

struct parameter {
    struct span name, value;
};

static bool span_is(const struct span *span, const char *word)
{
    return strlen(word) == span->len && strncasecmp(span->text, word, span->len) == 0;
}

/* Behind the span is what ended it, or what unescaping has left. Nobody reads it any more. */
static const char *span_end(struct span *span)
{
    if (span->text != NULL)
        span->text[span->len] = '\0';
    return span->text;
}

static char *skip_blanks(char *at)
{
    return at + strspn(at, BLANKS);
}

static int take_word(char **at, const char *ends, struct span *out)
{
    *out = (struct span){.text = *at, .len = strcspn(*at, ends)};
    *at += out->len;
    return out->len > 0 ? 0 : -1;
}

/* The quoted string whose first quote *at points to, unescaped in its place. -1: it does not end. */
static int take_quoted(char **at, struct span *out)
{
    char *to = *at + 1;

    out->text = to;
    for (char *from = to; *from != '\0'; from++) {
        if (*from == '"') {
            out->len = (size_t)(to - out->text);
            *at = from + 1;
            return 0;
        }
        if (*from == '\\' && (from[1] == '"' || from[1] == '\\'))
            from++;
        *to++ = *from;
    }
    return -1;
}

/* Reads "; name=value" at *at. 1, 0: there are no more, -1: it is malformed. */
static int next_parameter(char **at, struct parameter *out)
{
    char *p = skip_blanks(*at);

    if (*p == '\0')
        return 0;
    if (*p != ';')
        return -1;
    p = skip_blanks(p + 1);
    if (*p == '\0')
        return 0; /* a semicolon at the end */
    if (take_word(&p, NAME_ENDS, &out->name) != 0 || *p++ != '=')
        return -1;
    int failed = *p == '"' ? take_quoted(&p, &out->value) : take_word(&p, VALUE_ENDS, &out->value);
    *at = p;
    return failed == 0 ? 1 : -1;
}

/* The boundary. */

static bool boundary_ok(const struct span *span)
{
    for (size_t i = 0; i < span->len; i++)
        if (!isalnum((unsigned char)span->text[i]) && strchr("'()+_,-./:=? ", span->text[i]) == NULL)
            return false;
    return span->len > 0 && span->len <= MULTIPART_BOUNDARY_MAX && span->text[span->len - 1] != ' ';
}

static int find_boundary(char *at, struct span *out)
{
    struct parameter parameter;
    int found;

    while ((found = next_parameter(&at, &parameter)) > 0) {
        if (!span_is(&parameter.name, "boundary"))
            continue;
        if (out->text != NULL)
            return -1;
        *out = parameter.value;
    }
    return found;
}

int multipart_boundary(const char *content_type, char out[MULTIPART_BOUNDARY_MAX + 1], struct error *error)
{
    char text[512], *at = text;
    struct span type, boundary = {.text = NULL};

    text_copy(text, sizeof text, content_type != NULL ? content_type : "");
    if (take_word(&at, VALUE_ENDS, &type) != 0 || !span_is(&type, "multipart/form-data"))
        return error_set(error, ERROR_MEDIA_TYPE, "Content-Type must be multipart/form-data");
    if (strlen(text) == sizeof text - 1 || find_boundary(at, &boundary) != 0)
        return error_set(error, ERROR_INVALID, "Content-Type: its parameters are malformed");
    if (boundary.text == NULL)
        return error_set(error, ERROR_INVALID, "Content-Type: has no boundary");
    if (!boundary_ok(&boundary))
        return error_set(error, ERROR_INVALID,
                         "Content-Type: the boundary must be 1 to %u of the characters that RFC "
                         "2046 allows",
                         MULTIPART_BOUNDARY_MAX);
    snprintf(out, MULTIPART_BOUNDARY_MAX + 1, "%s", span_end(&boundary));
    return 0;
}

/* The head. */

/* What browsers and curl write for the three bytes that would end a name. Other percent signs are as they are. */
static void span_unpercent(struct span *span)
{
    size_t to = 0;

    for (size_t from = 0; from < span->len; from++, to++) {
        const char *p = span->text + from;
        char byte = *p;
        if (*p == '%' && span->len - from >= 3) {
            byte = strncmp(p, "%22", 3) == 0       ? '"'
                   : strncasecmp(p, "%0D", 3) == 0 ? '\r'
                   : strncasecmp(p, "%0A", 3) == 0 ? '\n'
                                                   : '%';
            from += byte != '%' ? 2 : 0;
        }
        span->text[to] = byte;
    }
    if (span->text != NULL)
        span->len = to;
}

/* UTF-8'language'text, with any byte as %XX (RFC 8187). -1: it has another form. */
static int span_decode(struct span *span)
{
    const char prefix[] = "UTF-8'";
    size_t skip = sizeof prefix - 1, to = 0;

    if (span->len < skip || strncasecmp(span->text, prefix, skip) != 0)
        return -1;
    const char *quote = memchr(span->text + skip, '\'', span->len - skip);
    if (quote == NULL)
        return -1;
    for (const char *p = quote + 1; p < span->text + span->len; p++, to++) {
        char byte = *p;
        if (byte == '%') {
            if (span->text + span->len - p < 3 || text_hex_decode(p + 1, 2, &byte) != 1 || byte == '\0')
                return -1;
            p += 2;
        }
        span->text[to] = byte;
    }
    span->len = to;
    return 0;
}

struct disposition {
    bool seen;
    struct span name, filename, extended;
};

static int take_parameter(struct disposition *disposition, const struct parameter *parameter)
{
    struct span *place = span_is(&parameter->name, "name")        ? &disposition->name
                         : span_is(&parameter->name, "filename")  ? &disposition->filename
                         : span_is(&parameter->name, "filename*") ? &disposition->extended
                                                                  : NULL;

    if (place == NULL)
        return 0;
    if (place->text != NULL)
        return -1;
    *place = parameter->value;
    return 0;
}

static int read_disposition(struct disposition *disposition, char *value, struct error *error)
{
    struct parameter parameter;
    struct span type;
    int found;

    if (disposition->seen)
        return error_set(error, ERROR_INVALID, "has two Content-Dispositions");
    disposition->seen = true;
    if (take_word(&value, VALUE_ENDS, &type) != 0 || !span_is(&type, "form-data"))
        return error_set(error, ERROR_INVALID, "its Content-Disposition is not form-data");
    while ((found = next_parameter(&value, &parameter)) > 0)
        if (take_parameter(disposition, &parameter) != 0)
            return error_set(error, ERROR_INVALID, "its Content-Disposition has a parameter twice");
    return found == 0 ? 0 : error_set(error, ERROR_INVALID, "its Content-Disposition is malformed");
}

static int check_encoding(char *value, struct error *error)
{
    struct span word;

    if (take_word(&value, VALUE_ENDS, &word) == 0 && *skip_blanks(value) == '\0' &&
        (span_is(&word, "binary") || span_is(&word, "8bit") || span_is(&word, "7bit")))
        return 0;
    return error_set(error, ERROR_INVALID, "its Content-Transfer-Encoding must be binary, 8bit or 7bit");
}

static int read_line(struct disposition *disposition, char *line, struct error *error)
{
    char *colon = line;
    struct span name;

    if (take_word(&colon, NAME_ENDS, &name) != 0 || *colon != ':' || strpbrk(line, "\r\n") != NULL)
        return error_set(error, ERROR_INVALID, "its head is malformed");
    char *value = skip_blanks(colon + 1);
    if (span_is(&name, "Content-Disposition"))
        return read_disposition(disposition, value, error);
    return span_is(&name, "Content-Transfer-Encoding") ? check_encoding(value, error) : 0;
}

/* A line that begins with a blank goes on with the one before. */
static void unfold(char *head)
{
    for (char *end = head; (end = strstr(end, "\r\n")) != NULL; end++)
        if (end[2] == ' ' || end[2] == '\t')
            end[0] = end[1] = ' ';
}

static int read_lines(struct disposition *disposition, char *head, struct error *error)
{
    unfold(head);
    for (char *line = head, *next; line != NULL && *line != '\0'; line = next) {
        next = strstr(line, "\r\n");
        if (next != NULL) {
            *next = '\0';
            next += 2;
        }
        if (read_line(disposition, line, error) != 0)
            return -1;
    }
    return 0;
}

int multipart_head(char *head, size_t len, struct multipart_part *out, struct error *error)
{
    struct disposition disposition = {.seen = false};

    if (memchr(head, '\0', len) != NULL)
        return error_set(error, ERROR_INVALID, "its head is malformed");
    if (read_lines(&disposition, head, error) != 0)
        return -1;
    if (!disposition.seen)
        return error_set(error, ERROR_INVALID, "has no Content-Disposition");
    span_unpercent(&disposition.name);
    span_unpercent(&disposition.filename);
    if (disposition.extended.text != NULL && span_decode(&disposition.extended) != 0)
        return error_set(error, ERROR_INVALID, "its filename* is not in UTF-8, or malformed");
    out->name = span_end(&disposition.name);
    out->filename = span_end(disposition.extended.text != NULL ? &disposition.extended : &disposition.filename);
    return 0;
}
