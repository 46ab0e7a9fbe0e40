/* What an answer has beside the output if its program ran in a kernel: results, result, error and execution_count.
 * Pure: a large report is read on another thread. */
#ifndef CODECELL_API_KERNEL_ANSWER_H
#define CODECELL_API_KERNEL_ANSWER_H

#include "base/buf.h"
#include "base/fields.h"

#include <jansson.h>

/* Values in all JSON of an answer's results. What is over is left out, because a tree takes far more memory than its
 * text. */
#define KERNEL_JSON_VALUES 200000
#define KERNEL_JSON_DEPTH 32 /* an answer nests deeper, and must have less than JSON_DEPTH_MAX */
#define KERNEL_ERROR_NAME_MAX 256u
#define KERNEL_ERROR_TEXT_MAX (64u << 10) /* bytes of the message, and of the traceback */

/* Adds the four fields to `value`. What the report does not say is null, and what is left out or malformed is told in
 * `warnings`. 0, or -1: out of memory. */
int kernel_answer_add(json_t *value, const struct buf *report, json_t *warnings);

/* {MIME type: datum}, for documents. */
#define KERNEL_ANSWER_RESULTS_SCHEMA \
    "{\"type\": \"array\", \"items\": {\"type\": \"object\", \"additionalProperties\": true}}"

#endif
