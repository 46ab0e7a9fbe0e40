/* One object of a JSON file, read strictly; what is wrong is said with the field: "compile.timeout: must be …". */
#ifndef CODECELL_BASE_JSON_READER_H
#define CODECELL_BASE_JSON_READER_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>

#define READER_STRINGS_MAX 128 /* members of an array of strings */
#define READER_PREFIX_MAX 64

struct reader {
    const json_t *object;
    struct error *error;
    char prefix[READER_PREFIX_MAX]; /* "" for the file itself, "versions[1].compile." and so on for an object in it */
};

/* Sets the error to "<prefix><name>: <what>". Returns -1. */
int reader_fail(const struct reader *in, const char *name, const char *what);

/* 0 where every member is among `known` (NULL after the last). */
int reader_known(const struct reader *in, const char *const *known);

/* The object `name` becomes what `inside` reads; its members must be among `known`. 1 where it is absent and may be. */
int reader_enter(const struct reader *in, const char *name, bool required, const char *const *known,
                 struct reader *inside);

/* These fill *out, which is the caller's to free also where they fail; it stays NULL where the member is absent, which
 * is an error for a required one. */
int reader_text(const struct reader *in, const char *name, bool required, char **out); /* a string without NUL */
int reader_name(const struct reader *in, const char *name, bool required, char **out); /* the same, not empty */
int reader_strings(const struct reader *in, const char *name, char ***out); /* 1 to READER_STRINGS_MAX; NULL last */
int reader_argv(const struct reader *in, char ***out); /* the member "argv": strings, the first not empty */
int reader_command(const struct reader *in, const char *name, bool required, char ***out); /* {"argv": […]} */

bool reader_is_text(const json_t *value); /* a string without NUL */
void strings_free(char **strings);        /* NULL after the last; NULL is fine */

#endif
