/* Requests with an Idempotency-Key: the same request gets the same answer for a day (store/idempotency.h).
 *
 *   repeat_begin() ─ (database) ─ done(fresh) ─┬─ it runs ─┬─ repeat_send(): the answer is kept, then sent
 *                                              │           └─ repeat_leave(): refused, or the client has gone
 *                                              └─ not fresh: repeat_answer()
 *
 * Only answers of what has run are kept (200, 202, 500). After a refusal the same request runs anew. */
#ifndef CODECELL_API_REPEAT_H
#define CODECELL_API_REPEAT_H

#include "base/error.h"
#include "http/http.h"
#include "store/idempotency.h"

#include <stdbool.h>

struct repeat;

#define REPEAT_TEXT_MAX 255 /* characters of the header */

/* Whether the request has the header. */
bool repeat_is_wanted(const struct http_exchange *ex);

/* 0, or -1 with ERROR_INVALID: the header is not 1 to 255 visible ASCII characters. */
int repeat_check(const struct http_exchange *ex, struct error *error);

/* What the same request has besides the header. Pure: any thread. */
void repeat_hash(unsigned char out[IDEMPOTENCY_HASH_LEN], const char *body, size_t len);

/* Calls done() once: `fresh`, or repeat_answer() is due. Without the header it is fresh, *out is NULL, and done() comes
 * within the call. Otherwise *out is the repeat, until one of the functions below takes it. */
void repeat_begin(struct repeat **out, struct http_exchange *ex, const unsigned char hash[IDEMPOTENCY_HASH_LEN],
                  void (*done)(void *arg, bool fresh), void *arg);

/* Each takes a repeat, or NULL if the request has none. All but the first free it. */

/* Keeps an answer in a transaction of the caller's, on the database's thread. `location`: a header of it; "": none. If
 * it was committed, repeat_over() follows. */
int repeat_keep(const struct repeat *repeat, struct db *db, int status, const char *location, const char *body,
                size_t len, struct error *error);
void repeat_over(struct repeat *repeat);

/* Answers a request that is not fresh: the kept answer, 409, 422, or why the database can't say. */
void repeat_answer(struct repeat *repeat, struct http_exchange *ex);

/* Keeps the answer, then sends it as http_respond() does. `ex` NULL: the client has gone, and it is only kept. */
void repeat_send(struct repeat *repeat, struct http_exchange *ex, int status, const char *type, char *body, size_t len);

/* The request was refused, or its client has gone: it may come again. done() does not fire. */
void repeat_leave(struct repeat *repeat);

#endif
