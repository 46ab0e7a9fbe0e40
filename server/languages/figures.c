#include "languages/figures.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 9999
#define DIGITS_MAX 14 /* of UINT32_MAX * NUMBER_MAX */

static const struct name {
    const char *text;
    size_t offset; /* in struct cell_limits, of a uint32_t */
} names[] = {
    {"memory_mb", offsetof(struct cell_limits, memory_mb)},
    {"disk_mb", offsetof(struct cell_limits, disk_mb)},
    {"processes", offsetof(struct cell_limits, processes)},
};

struct figure {
    size_t offset;
    uint64_t factor, divisor, less;
};

/* Reads the number after a sign, if the sign is there, and moves *at past it. -1: the number is missing or out of
 * range. */
static int figure_read_part(const char **at, char sign, uint64_t *out)
{
    const char *p = *at;
    uint64_t number = 0;

    if (*p != sign)
        return 0;
    for (p++; isdigit((unsigned char)*p) && number <= NUMBER_MAX; p++)
        number = number * 10 + (uint64_t)(*p - '0');
    if (number < 1 || number > NUMBER_MAX)
        return -1;
    *out = number;
    *at = p;
    return 0;
}

/* The length of the name with which `at` begins; 0: it is not one of `names`. */
static size_t figure_name_at(const char *at, struct figure *out)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = strlen(names[i].text);
        if (strncmp(at, names[i].text, len) == 0 && !isalnum((unsigned char)at[len]) && at[len] != '_') {
            out->offset = names[i].offset;
            return len;
        }
    }
    return 0;
}

/* The figure that begins at *at, which moves past it. 1: there is none; -1: it is wrong. */
static int read_figure(const char **at, struct figure *out)
{
    const char *p = *at;

    *out = (struct figure){.factor = 1, .divisor = 1};
    if (strncmp(p, "${", 2) != 0)
        return 1;
    size_t len = figure_name_at(p + 2, out);
    if (len == 0)
        return 1;
    p += 2 + len;
    const char *product = p;
    if (figure_read_part(&p, '*', &out->factor) != 0 ||
        (p != product && figure_read_part(&p, '/', &out->divisor) != 0) || figure_read_part(&p, '-', &out->less) != 0 ||
        *p != '}')
        return -1;
    *at = p + 1;
    return 0;
}

bool figures_are_right(const char *text)
{
    struct figure figure;
    int found = 0;

    while (*text != '\0' && (found = read_figure(&text, &figure)) >= 0)
        text += found;
    return found >= 0;
}

bool figures_in(const char *text)
{
    struct figure figure;

    for (; *text != '\0'; text++)
        if (read_figure(&text, &figure) == 0)
            return true;
    return false;
}

static uint64_t value_of(const struct figure *figure, const struct cell_limits *limits)
{
    uint32_t limit;

    memcpy(&limit, (const char *)limits + figure->offset, sizeof limit);
    uint64_t value = limit * figure->factor / figure->divisor;
    return value > figure->less ? value - figure->less : 1;
}

char *figures_filled(const char *text, const struct cell_limits *limits)
{
    /* The shortest figure, "${disk_mb}", has 10 characters. */
    char *filled = malloc(2 * strlen(text) + 1), *end = filled;
    struct figure figure;

    if (filled == NULL)
        return NULL;
    while (*text != '\0') {
        if (read_figure(&text, &figure) == 0)
            end += snprintf(end, DIGITS_MAX + 1, "%" PRIu64, value_of(&figure, limits));
        else
            *end++ = *text++;
    }
    *end = '\0';
    return filled;
}
