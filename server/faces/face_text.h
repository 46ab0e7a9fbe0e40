/* What several faces do to a request's limits, to a result's texts and figures, and to errors. Pure. */
#ifndef CODECELL_FACES_FACE_TEXT_H
#define CODECELL_FACES_FACE_TEXT_H

#include "api/execute_answer.h"
#include "api/execute_read.h"

#include <jansson.h>

/* What the answer shows: the program's output, or the compiler's if the program was not started. */
const struct execution_output *face_output(const struct execution_result *result);

/* Bytes of a program as a JSON string, as execute_answer_text() makes it, but without one newline at their end. */
json_t *face_text_chomped(const struct buf *bytes, bool cut);

/* Milliseconds with two decimals, rounded; 0 below 0. */
json_t *face_milliseconds(int64_t ns);

/* The same for mebibytes. */
json_t *face_megabytes(int64_t bytes);

/* {"error": detail}: an http_manners.error_body. */
char *face_error(int status, const char *detail, size_t *len);

/* Sets a service's own limits, and the time that it gives a program, as far as the server and the key allow them. A
 * language that needs more gets it, because the client cannot ask for more. 0: the language's own limit. */
void face_limits(struct execution_request *request, const struct execute_rules *rules,
                 const struct limits_overrides *own, int64_t timeout_s);

#endif
