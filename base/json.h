/* jansson, strictly: one way in and one way out (json_text.c) for every JSON text of the service. */
#ifndef CODECELL_BASE_JSON_H
#define CODECELL_BASE_JSON_H

#include <jansson.h>
#include <stddef.h>

struct error;
struct json_shape;

#define JSON_DEPTH_MAX 64

/* Parses a text: UTF-8, any top-level value, no name twice, nested at most JSON_DEPTH_MAX, NUL allowed
 * in strings. NULL with ERROR_INVALID and a sentence otherwise ("malformed JSON: … at line L column C",
 * "name twice …", "nested deeper than 64"). Needs no loop: may run on any thread. */
json_t *json_parse(const char *text, size_t len, struct error *error);

/* The same, but it writes over the text and builds only what the shape names (json_scan.h). The rest is checked as
 * strictly. NULL with ERROR_MEMORY, too. `*cost`: about how many bytes the value takes. */
json_t *json_parse_shape(char *text, size_t len, const struct json_shape *shape, size_t *cost, struct error *error);

/* json_decref() for arena_adopt(). */
void json_release(void *value);

/* The text of a value, compact, members in order of insertion; free() it. NULL: out of memory, or a string in it is not
 * UTF-8. */
char *json_text(const json_t *value, size_t *len);

/* An integer in JSON: 30, 30.0 and 3e1 are, 1.5 and "30" are not. 0, or -1. */
int json_as_integer(const json_t *value, int64_t *out);

#endif
