/* Whether a request is let in: its key, the key's rights, its rate. */
#ifndef CODECELL_API_ADMISSION_H
#define CODECELL_API_ADMISSION_H

#include "http/http.h"
#include "store/rates.h"

/* http_options.admit: decides on the head alone, with one job for the database. */
http_handler api_admit;

/* What the key may not do with a route of these flags ("run programs"); NULL: it may. */
const char *auth_forbids(unsigned flags, unsigned scopes);

/* Whether a key that is limited to the face `key_face` ("": to none) may use the API of `face` (NULL: our own). */
bool auth_face_fits(const char *key_face, const char *face);

/* Whole seconds until one more request than now would be allowed; 0: the burst is full. */
int64_t auth_next_seconds(const struct rate_verdict *rate, int64_t now_ns);

/* The sentence of a 429. */
#define RATE_SENTENCE "Rate limit exceeded. Please try again later."

/* Adds the headers that show a key's rate, and Retry-After if `rate` allows nothing. */
void api_show_rate(struct http_exchange *ex, const struct rate_verdict *rate);

/* Nanoseconds to whole seconds, rounded up. */
int64_t auth_seconds_up(int64_t ns);

#endif
