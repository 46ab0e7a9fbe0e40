/* The operations of /openapi.json: what there is to say of each route of routes.h. */
#ifndef CODECELL_API_OPENAPI_OPERATIONS_H
#define CODECELL_API_OPENAPI_OPERATIONS_H

#include "base/fields.h"

#define OPENAPI_QUERIES 2
#define OPENAPI_ANSWERS 6

struct openapi_answer {
    int status;         /* 0: there is none */
    const char *type;   /* its Content-Type; NULL: it has no body, or an error is in JSON */
    const char *schema; /* NULL: none; of an error: Error */
};

struct openapi_operation {
    const char *method, *pattern;      /* the route's; NULL after the last */
    const char *id;                    /* what clients made from the document call it */
    const char *tag;                   /* its group */
    const char *summary, *description; /* the latter may be NULL */
    const struct fields *query[OPENAPI_QUERIES];
    const char *rest;      /* an example of the rest of its path, {name...}; NULL: it has none */
    const char *body;      /* the schema of its body; NULL: it takes none */
    const char *body_type; /* NULL: application/json */
    const char *example;   /* of its body, as JSON; NULL: of JSON a program of a language that is offered, else none */
    bool example_is_array; /* that program stands in an array, twice */
    /* The first is success. Then follow further ones of it, and errors that are not usual (openapi_errors.h) or have
     * another schema. A status may come twice, with other types. */
    struct openapi_answer answers[OPENAPI_ANSWERS];
    unsigned kinds;                  /* enum openapi_kind, as far as the route does not say it */
    const char *from, *from_pointer; /* the operation whose answer has the {id} of this one's path, and where */
};

struct openapi_tag {
    const char *name, *meaning; /* NULL after the last */
};

extern const struct openapi_operation openapi_operations[];
extern const struct openapi_tag openapi_tags[];

/* NULL: no operation describes the route. */
const struct openapi_operation *openapi_operation_of(const char *method, const char *pattern);

#endif
