/* A table of fields as a JSON Schema (2020-12): what clients are told of an object that base/fields.h reads. */
#ifndef CODECELL_BASE_FIELDS_SCHEMA_H
#define CODECELL_BASE_FIELDS_SCHEMA_H

#include "base/fields.h"

struct fields_schema_way {
    const int64_t *bounds;        /* by field.bound */
    bool nulls;                   /* optional fields may be null, which their reader takes for absent */
    const char *const *elsewhere; /* of the fields that only some readers take, the names of those that this reader
                                     takes; NULL after the last; NULL: none */
};

/* {"type": "object", "properties": …, "required": …}. Fields that are not supported yet are left out. Lengths that the
 * reader counts in bytes are bounds of characters here, so that a value may keep the schema and be refused all the
 * same. A new reference; NULL: out of memory. */
json_t *fields_schema(const struct fields *fields, const struct fields_schema_way *way);

/* The schema of one field. */
json_t *fields_schema_of(const struct field *field, const struct fields_schema_way *way);

#endif
