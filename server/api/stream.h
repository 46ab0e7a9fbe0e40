/* A run whose answer is a stream of server-sent events (run_events.h): start, output as it comes, one result. The head
 * of the answer is sent when the program starts. A run that fails before that gets an ordinary answer.
 *
 * A client that is slower than the program holds it back. A client that leaves ends the run. */
#ifndef CODECELL_API_STREAM_H
#define CODECELL_API_STREAM_H

#include "http/http.h"
#include "languages/limits.h"

struct execution_request;

#define STREAM_NO_REPEAT "Idempotency-Key: an answer that is a stream cannot be repeated"

/* Whether the head asks for a stream. */
bool stream_is_accepted(const struct http_exchange *ex);

/* Runs the request and answers the exchange, which was admitted. Takes over what `request` holds, and the claim. */
void stream_run(struct http_exchange *ex, struct execution_request *request, const struct limits *maxima,
                struct http_claim claim);

#endif
