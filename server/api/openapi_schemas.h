/* The schemas of /openapi.json: what requests and answers hold, by name. Each is made of the tables that the reader of
 * the request or the maker of the answer has beside it. */
#ifndef CODECELL_API_OPENAPI_SCHEMAS_H
#define CODECELL_API_OPENAPI_SCHEMAS_H

#include "base/fields.h"

#include <jansson.h>

#define OPENAPI_PARTS 3

struct openapi_schema {
    const char *name;                          /* NULL after the last */
    const struct fields *parts[OPENAPI_PARTS]; /* whose fields it has together; the rest NULL */
    const char *json;                          /* without parts: the schema itself */
    const char *required;     /* a field that this request needs, though its table does not; NULL: none */
    bool is_request;          /* optional fields may be null */
    const char *elsewhere[3]; /* the fields that only some requests have and this one has; NULL after the last */
};

extern const struct openapi_schema openapi_schemas[];

/* The schema as JSON. `bounds` are those of execute_bounds(). A new reference; NULL: out of memory. */
json_t *openapi_schema_json(const struct openapi_schema *schema, const int64_t *bounds);

#endif
