/* How the server behaves towards the clients of a group of routes: the shape of its errors, where their key is, and
 * what a request costs. Several APIs can so be served side by side, each with its own manners. */
#ifndef CODECELL_HTTP_MANNERS_H
#define CODECELL_HTTP_MANNERS_H

#include <stddef.h>

struct http_exchange;
struct http_target;

enum http_key_kind {
    HTTP_KEY_NONE,          /* ends the list */
    HTTP_KEY_HEADER,        /* the header `name` is the key */
    HTTP_KEY_AUTHORIZATION, /* the header Authorization has the scheme `name` ("Bearer"), and then the key */
    HTTP_KEY_QUERY          /* the parameter `name` of the query is the key */
};

struct http_key_place {
    enum http_key_kind kind;
    const char *name;
};

struct http_manners {
    const char *prefix;     /* "/v2": for the path /v2 and all below it. "": for all that no longer prefix covers */
    const char *error_type; /* an error's Content-Type */
    /* An error's body: free() it. `detail` is one sentence, in UTF-8. NULL: out of memory. */
    char *(*error_body)(int status, const char *detail, size_t *len);
    int (*error_status)(int status); /* the status that says it in this API; NULL: the same */
    /* In the place of the two above for an API whose errors depend on the request: may change the status and add
     * headers. NULL: the two above. */
    char *(*error_for)(struct http_exchange *ex, int *status, const char *detail, size_t *len);
    const struct http_key_place *keys; /* where a key may be: the first place that has one counts */
    unsigned cost;                     /* of one request, for the rate of its key; not read here */
};

/* {"detail": sentence} for errors, no key. It holds if the options name no manners for a path. */
extern const struct http_manners http_manners_default;

/* The default's error_body. */
char *http_error_detail(int status, const char *detail, size_t *len);

/* The manners for a target: those with the longest prefix. `list` ends with NULL, and may be NULL. A target of NULL is
 * not known yet, and gets those with the prefix "". */
const struct http_manners *http_manners_find(const struct http_manners *const *list, const struct http_target *target);

#endif
