/* Answers in JSON, and figures as answers show them. */
#ifndef CODECELL_API_ANSWERS_H
#define CODECELL_API_ANSWERS_H

#include "base/error.h"
#include "http/http.h"

#include <jansson.h>

/* Answers with `value`, whose reference is taken; NULL: there was no memory for it. */
void api_respond(struct http_exchange *ex, int status, json_t *value);

/* Answers with the error's status and sentence. ERROR_INTERNAL is logged with its sentence and answered "Internal
 * error"; a 503 gets Retry-After. */
void api_respond_error(struct http_exchange *ex, const struct error *error);

/* The same for a sentence that may be longer than an error's own. */
void api_respond_sentence(struct http_exchange *ex, enum error_code code, const char *sentence);

json_t *api_seconds(int64_t ns);      /* a real, to the microsecond; null below 0 */
json_t *api_megabytes(int64_t bytes); /* a real, in mebibytes, to a thousandth; null below 0 */
json_t *api_time(int64_t ms);         /* RFC 3339; null for 0 */
json_t *api_text(const char *text);   /* null for "" */

#endif
