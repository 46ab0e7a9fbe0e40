/* A request as its handler sees it, and what the handler may do with it before it answers (answer.h). */
#ifndef CODECELL_HTTP_EXCHANGE_H
#define CODECELL_HTTP_EXCHANGE_H

#include "base/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_exchange;
struct http_manners;
struct http_route;

/* What the request says. Strings end with NUL; NULL: it does not say that. */
void *http_data(const struct http_exchange *ex); /* the options' data */
const struct http_route *http_route(const struct http_exchange *ex);
const struct http_manners *http_manners(const struct http_exchange *ex); /* of its path; never NULL */
const char *http_method(const struct http_exchange *ex);
const char *http_path(const struct http_exchange *ex);                     /* as sent, without the query */
const char *http_param(const struct http_exchange *ex, const char *name);  /* decoded path segment */
const char *http_query(const struct http_exchange *ex, const char *name);  /* decoded, the first of that name */
const char *http_header(const struct http_exchange *ex, const char *name); /* any case; several joined by ", " */
const char *http_body(const struct http_exchange *ex, size_t *len);        /* never NULL; "" if it flows (body.h) */
const char *http_allowed(const struct http_exchange *ex);    /* if the path has no route for the method: "GET, HEAD,
                                                                OPTIONS", the methods for which it has one; else "" */
int64_t http_content_length(const struct http_exchange *ex); /* -1: chunked or none */
uint64_t http_arrived(const struct http_exchange *ex); /* monotonic ns at which its last byte was read; for handlers */
const char *http_peer(const struct http_exchange *ex); /* the client's address, as a trusted proxy says it; or "unix" */
const char *http_request_id(const struct http_exchange *ex); /* the client's X-Request-Id if it is 1 to 64 characters
                                                                of [A-Za-z0-9._-], else a new one */

/* Whether the request comes from a loopback address and, as far as we can see, not through a proxy. */
bool http_is_direct_local(const struct http_exchange *ex);

/* Most bytes that its body and its answer held at any time. */
size_t http_held(const struct http_exchange *ex);

/* Whether the client may send more, so that we would read that it leaves. If not, only what is sent to it shows that.
 */
bool http_is_open(const struct http_exchange *ex);

/* A pointer of the owner's for the exchange (who was admitted, what it waits for). */
void http_set_user(struct http_exchange *ex, void *user);
void *http_user(const struct http_exchange *ex);

/* Whose request it is; at most once, and before http_admit(). What one owner's requests hold must not shut the others
 * out (shares.h). Without this call the request belongs to its client's address. */
void http_set_owner(struct http_exchange *ex, int64_t owner);

/* Goes on after admit(): sends 100 Continue if the client waits for it, reads the body, then calls the handler. */
void http_admit(struct http_exchange *ex);

/* Calls `gone` once if the client goes away before http_respond(): it has reset the connection, or closed it in both
 * directions (a half-close alone is not enough). The exchange is freed after `gone`: do not touch it, and do not
 * respond. on_done comes before `gone`. NULL takes it back. Without `gone` the exchange lives on until http_respond(),
 * which then sends nothing. */
void http_on_gone(struct http_exchange *ex, void (*gone)(void *arg), void *arg);

#endif
