/* The document of GET /openapi.json: OpenAPI 3.1, made from the routes and from the tables beside their handlers. Pure:
 * it needs no loop, so that it can be made on another thread. */
#ifndef CODECELL_API_OPENAPI_DOCUMENT_H
#define CODECELL_API_OPENAPI_DOCUMENT_H

#include "api/execute_read.h"
#include "http/router.h"

#include <jansson.h>

/* What the document depends on. */
struct openapi_offer {
    json_t *ids;                    /* of the languages that are offered: an array of strings */
    json_t *program;                /* {"language", "code", "stdin"?}: one that can run, for the examples */
    int64_t bounds[EXECUTE_BOUNDS]; /* of execute_bounds() */
};

/* A new reference; NULL: out of memory. Each route has an operation (openapi_operations.h). */
json_t *openapi_document(const struct openapi_offer *offer, const struct http_route *routes);

/* "/page/{file...}" as OpenAPI writes it: "/page/{file}". */
#define OPENAPI_PATH_MAX 128
void openapi_path(const char *pattern, char out[OPENAPI_PATH_MAX]);

#endif
