/* The field `files` of an answer: what came back of a request's `outputs`. */
#ifndef CODECELL_API_FILES_ANSWER_H
#define CODECELL_API_FILES_ANSWER_H

#include "base/fields.h"
#include "run/outputs.h"

#include <jansson.h>

extern const struct fields files_answer_fields; /* of one file */

/* {path, content, encoding, size, type} of a file. `type_name`: the member that has the MIME type; elsewhere than in a
 * WebSocket's messages it is FILES_TYPE. NULL: out of memory. */
#define FILES_TYPE "type"
json_t *files_answer_one(const struct outputs *outputs, size_t i, const char *type_name);

/* An array of them; without outputs it is empty. NULL: out of memory. */
json_t *files_answer(const struct outputs *outputs);

size_t files_answer_size(const struct outputs *outputs); /* bytes of JSON, about */

#endif
