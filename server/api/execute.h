/* Programs are run for an answer that waits for their end: from the body to a request, to a run (run.h), to an answer.
 * What differs between our own API and a face is its translation. */
#ifndef CODECELL_API_EXECUTE_H
#define CODECELL_API_EXECUTE_H

#include "api/translation.h"
#include "http/http.h"

struct api;
struct key;

http_handler api_execute; /* POST /api/v1/execute */

/* Answers an admitted exchange that asks to run a program. `context` may be NULL, and must live until the answer. */
void execute_as(struct http_exchange *ex, const struct translation *translation, const void *context);

#define EXECUTE_NO_ROOM "The server is holding too many request bodies. Please try again later."

/* What our own API wants of a head whose answer is never a stream: Content-Type is application/json, and it does not
 * ask for one. 0, or -1. */
int execute_check_head(const struct http_exchange *ex, struct error *error);

/* What the server and the key allow. */
struct execute_rules execute_rules(const struct api *api, const struct key *key);

#endif
