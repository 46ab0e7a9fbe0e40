/* A table of fields as a JSON Schema (2020-12): what clients are told of an object that base/fields.h reads. */
#ifndef CODECELL_BASE_FIELDS_SCHEMA_H
#define CODECELL_BASE_FIELDS_SCHEMA_H

#include "base/fields.h"

/* {"type": "object", "properties": …, "required": …}. Fields that are not supported yet are left out. Lengths that the
 * reader counts in bytes are bounds of characters here, so that a value may keep the schema and be refused all the
 * same. `bounds` are by field.bound. A new reference; NULL: out of memory. */
json_t *fields_schema(const struct fields *fields, const int64_t *bounds);

#endif
