/* The field `files` of a body: paths and contents. */
#ifndef CODECELL_API_EXECUTE_FILES_H
#define CODECELL_API_EXECUTE_FILES_H

#include "run/request.h"

#include <jansson.h>

#define EXECUTE_FILES_MAX 128           /* items of `files` */
#define EXECUTE_FILES_BYTES (10u << 20) /* of their contents, decoded */

/* Reads the array, which the request must own, into request->files. 0, or -1 with ERROR_INVALID or ERROR_MEMORY. */
int execute_files_read(struct execution_request *request, const json_t *array, struct error *error);

#endif
