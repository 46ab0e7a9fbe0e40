/* The routes, and which of them a method and a path mean. */
#ifndef CODECELL_HTTP_ROUTER_H
#define CODECELL_HTTP_ROUTER_H

#include <stddef.h>

struct http_exchange;
struct http_target;

#define HTTP_PARAMS_MAX 8 /* {names} of a pattern; the table is ours, so more is asserted */

typedef void http_handler(struct http_exchange *ex);

struct http_route {
    const char *method;    /* "GET", "POST", … ; HEAD is served by GET's route */
    const char *pattern;   /* "/api/v1/executions/{id}": {name} matches one segment, {name...} the rest.
                              A trailing slash in the request matches the same route. */
    http_handler *handler; /* called after the whole body was read */
    unsigned flags;        /* the owner's, not read here */
};

struct http_param {
    const char *name; /* within the pattern */
    size_t name_len;
    char *value; /* decoded, within the target */
};

struct http_match {
    const struct http_route *route; /* NULL: none */
    struct http_param params[HTTP_PARAMS_MAX];
    unsigned count;
    char allow[64]; /* if route is NULL: the path's methods, "GET, HEAD, OPTIONS"; "" for 404 */
};

/* The most specific route of this method: from the left, a literal segment beats {one}, which beats
 * {rest...}. HEAD takes GET's route. A {rest...} value is joined in place in the target. */
void http_router_find(struct http_match *match, const struct http_route *routes, const char *method,
                      struct http_target *target);

#endif
