/* What a request line's target names: the path by decoded segments, and the query. */
#ifndef CODECELL_HTTP_REQUEST_TARGET_H
#define CODECELL_HTTP_REQUEST_TARGET_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct http_target {
    char *path;       /* as sent, without the query; "*" for OPTIONS */
    char *segments;   /* decoded, each ends with NUL, one after the other; a trailing slash adds none */
    unsigned count;   /* how many segments; 0 for "/" */
    char *query;      /* decoded: name, NUL, value, NUL, and so on */
    size_t query_len; /* bytes of it */
    char *memory;     /* that the pointers point into */
};

/* Reads origin-form, absolute-form (its path counts, RFC 9112 section 3.2.2) and, for OPTIONS, "*".
 * NULL, or what is wrong. `*code` is ERROR_INVALID or ERROR_MEMORY. Free with http_target_free(). */
const char *http_target_parse(struct http_target *target, const char *text, bool options, enum error_code *code);
void http_target_free(struct http_target *target);

/* The first value of that name; NULL: there is none. */
const char *http_target_query(const struct http_target *target, const char *name);

#endif
