/* Numbers of versions ("3.13.5"): found in a text, compared, and chosen by a range as requests write it. */
#ifndef CODECELL_LANGUAGES_VERSION_H
#define CODECELL_LANGUAGES_VERSION_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VERSION_NUMBER_MAX 31   /* bytes of a number */
#define VERSION_NAME_MAX 32     /* of an implementation's name */
#define VERSION_REPORTED_MAX 64 /* of both with a '-' between: "clang-19.1.7" */
#define VERSION_RANGE_MAX 64    /* of a range's text */
#define VERSION_PARTS_MAX 8     /* "1.2.3" has three; further ones do not count */
#define VERSION_CONDITIONS_MAX 8

/* The first thing in a text that looks like a version: digits with at least one dot ("3.13.5"), else the first
 * number. 0, or -1 if there is none, or it is longer than the room. */
int version_in(const char *text, char *out, size_t room);

/* Below, above or 0, part by part; what a number lacks is 0: 3.9 < 3.10, 21 = 21.0. */
int version_compare(const char *a, const char *b);

/* Whether it may name an implementation ("clang", "pypy"): 1 to VERSION_NAME_MAX of a-z and 0-9, the first and the
 * last a letter, so that a number may follow without anything between; not "x", "v" or "latest", which are ranges. */
bool version_is_name(const char *text);

/* [NAME][-][RANGE], as in the request field `version`:
 *
 *   3   3.11   3.x   3.11.*         whatever begins so
 *   >=20   >20   <24   <=22   =3.11  compared as far as they go: 22.9 is <=22, and not >22
 *   ^3.10                           3.10 or newer, with the same first part that is not 0
 *   ~3.11                           3.11 or newer, with the same first two parts (or the one)
 *   *   x   latest                  any
 *
 * Several with spaces or commas between must all hold. A 'v' before a number is passed over. Case does not count. */
struct version_range {
    char name[VERSION_NAME_MAX + 1]; /* lower case; "": none was given */
    size_t count;
    struct version_condition {
        enum version_relation {
            VERSION_SAME, /* as far as the parts go */
            VERSION_AT_LEAST,
            VERSION_ABOVE,
            VERSION_AT_MOST,
            VERSION_BELOW,
        } relation;
        uint64_t parts[VERSION_PARTS_MAX];
        size_t len;
    } conditions[VERSION_CONDITIONS_MAX];
};

/* 0, or -1 if it is malformed. */
int version_range_read(struct version_range *out, const char *text);

/* The same for a request's field: -1 with ERROR_INVALID and a sentence that begins with "version: ". */
int version_range_parse(struct version_range *out, const char *text, struct error *error);

/* Whether the number meets every condition. The range's name is not compared. */
bool version_fits(const struct version_range *range, const char *number);

#endif
