/* Whether a request is let in: its key, the key's rights, its rate. */
#ifndef CODECELL_API_ADMISSION_H
#define CODECELL_API_ADMISSION_H

#include "http/http.h"
#include "store/rates.h"

/* http_options.admit: decides on the head alone, with one job for the database. */
http_handler api_admit;

struct api;
struct api_caller;
struct api_manners;
struct error;

/* The same for a key that did not come in a request's head: key, scope, face, and the rate of reading. guest: what
 * api_guest_key() said of the request, for a client that has no key (text is NULL). done() fires once, from the loop:
 * with the caller, who is the owner's (free()), or with NULL and why not. */
void api_admit_key(struct api *api, const char *text, const char *guest, unsigned flags,
                   const struct api_manners *manners,
                   void (*done)(void *arg, struct api_caller *caller, const struct error *error), void *arg);

/* The name of the key under which a request runs that shows none: of the face, or of the page. NULL: it needs one of
 * its own. */
const char *api_guest_key(const struct http_exchange *ex);

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

/* The same if admission has shown the rate already, and more was counted since. */
void api_show_rate_again(struct http_exchange *ex, const struct rate_verdict *rate);

/* Nanoseconds to whole seconds, rounded up. */
int64_t auth_seconds_up(int64_t ns);

#endif
