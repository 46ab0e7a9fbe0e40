/* The body of POST /api/v1/execute/batch: an array of bodies of POST /api/v1/execute. Pure: any thread. */
#ifndef CODECELL_API_BATCH_READ_H
#define CODECELL_API_BATCH_READ_H

#include "api/execute_read.h"

#define BATCH_MAX 10 /* executions */

/* Reads `len` bytes of text, which are written over. `*count` is how many of `requests`, all zero at first, are filled
 * in. Free all of them, also on failure. 0, or -1 with ERROR_INVALID and a sentence that begins with the item and its
 * field
 * ("[3].timeout: …"), or with ERROR_MEMORY. `*cost`: about how many bytes the requests hold. */
int batch_read(struct execution_request requests[BATCH_MAX], size_t *count, char *text, size_t len,
               const struct execute_rules *rules, size_t *cost, struct error *error);

/* What belongs between an item's number and a sentence about it: "." before a field, else ": ". */
const char *batch_joint(const char *sentence);

#endif
