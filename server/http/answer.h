/* How an exchange is answered. */
#ifndef CODECELL_HTTP_ANSWER_H
#define CODECELL_HTTP_ANSWER_H

#include "http/connection_state.h"

#include <stdbool.h>
#include <stddef.h>

struct http_exchange;

/* Adds a header to the answer. If it has a control byte in it, or all together exceed 8 KiB, the answer becomes 500. */
void http_header_add(struct http_exchange *ex, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether the owner has added a header of that name (any case). */
bool http_header_is_added(const struct http_exchange *ex, const char *name);

/* The value of what the owner has added under that name, and what follows it; NULL: nothing. */
const char *http_header_added(const struct http_exchange *ex, const char *name);

/* Takes back what http_header_add() has added under this name. */
void http_header_drop(struct http_exchange *ex, const char *name);

/* Answers. Takes `body` (malloc'ed; may be NULL with len 0). `type` is the Content-Type; NULL: none. X-Request-Id,
 * Date, Content-Length and Connection are added here. The exchange is freed after the answer was written. */
void http_respond(struct http_exchange *ex, int status, const char *type, char *body, size_t len);

/* Answers with an error's status and sentence, in the shape of the route's manners (manners.h). */
void http_respond_error(struct http_exchange *ex, int status, const char *detail);

/* For the files of this folder. */

/* The connection is about to go to `state`, in which it answers: finds out what will become of it after the answer. */
void http_answer_start(struct http_exchange *ex, enum http_state state);

/* Writes a whole answer, after its body has gone through the filters. */
void http_answer_send(struct http_exchange *ex);

/* The answer is written (status 0), or the connection has failed: ends the exchange, and the connection goes on or
 * ends.
 */
void http_answer_finish(struct http_exchange *ex, int status);

/* Answers what is wrong with the request (http_request_fail). */
void http_refuse(struct http_exchange *ex);

/* ANSWERING or FLOWING, when write_ms have passed: closes the connection unless the client took what it must of the
 * answer. */
void http_check_pace(struct http_exchange *ex);

#endif
