/* The tables of a workspace's list of files: what a request may say, and what an item of the answer holds. */
#ifndef CODECELL_API_FILE_FIELDS_H
#define CODECELL_API_FILE_FIELDS_H

#include "base/fields.h"
#include "docker/wire/entry.h"

#include <jansson.h>

#include <stdint.h>

struct files_query {
    const char *path, *cursor; /* NULL: not said */
    int64_t depth, limit;
};

extern const struct fields files_query_fields; /* fill a struct files_query */
extern const struct fields file_info_fields;
/* An item of the list. NULL: out of memory. */
json_t *file_info_json(const struct entry *entry);

extern const char *const file_types[]; /* by enum entry_type; NULL after the last */

#endif
