/* The field `files` of a body: paths and contents. */
#ifndef CODECELL_API_EXECUTE_FILES_H
#define CODECELL_API_EXECUTE_FILES_H

#include "base/fields.h"
#include "run/request.h"

#define EXECUTE_FILES_MAX 128           /* items of `files` */
#define EXECUTE_FILES_BYTES (10u << 20) /* of their contents, decoded */

extern const struct fields execute_file_fields; /* of one item; they lie in a struct request_file */

/* To be called after request->files was filled in: checks that no path collides with another and that all contents
 * together are not too large. 0, or -1 with ERROR_INVALID. */
int execute_files_check(const struct execution_request *request, struct error *error);

/* The same for files as our own API has them: first decodes what is in base64. 0, or -1 with ERROR_INVALID or
 * ERROR_MEMORY. */
int execute_files_finish(struct execution_request *request, struct error *error);

#endif
