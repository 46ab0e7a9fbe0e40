/* The HTTP/1.1 server: what the rest of the service sees of it.
 *
 * A listener accepts connections; a connection carries exchanges (a request and its answer), one at a
 * time, pipelined requests in their order. The way of an exchange:
 *
 *   head read ─ route found ─ admit() ─ http_admit() ─ body read ─ route's handler ─ http_respond()
 *                   │            └ or http_respond() at once: then the connection closes after it,
 *                   └ 404, 405     for the body was not read (kept open where there is none)
 *
 * Framing, sizes, counts and times are checked here and answered here (400, 408, 413, 414, 415, 431, 503), and
 * so are 404, 405 (with Allow) and HEAD (a GET whose body is left out). Nothing here knows what a
 * request means.
 *
 * Memory: the server owns an exchange from its head until the answer is written; pointers into a
 * request are good until http_respond(). All on one loop, no locks. */
#ifndef CODECELL_HTTP_HTTP_H
#define CODECELL_HTTP_HTTP_H

#include "base/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct buf;
struct error;
struct http_server;
struct http_exchange;

typedef void http_handler(struct http_exchange *ex);

struct http_route {
    const char *method;    /* "GET", "POST", … ; HEAD is served by GET's route */
    const char *pattern;   /* "/api/v1/executions/{id}": {name} matches one segment, {name...} the rest.
                              A trailing slash in the request matches the same route. */
    http_handler *handler; /* called with the whole body read */
    unsigned flags;        /* the owner's, not read here */
};

struct http_options {
    const char *listen;              /* "127.0.0.1:8002", "[::1]:8002", "0.0.0.0:0", or "unix:/path" */
    const struct http_route *routes; /* ends with a method of NULL; kept by pointer */
    http_handler *admit;             /* decides on the head alone: http_admit() or http_respond(), now or later */
    void *data;                      /* the owner's, see http_data() */
    void (*on_done)(struct http_exchange *ex, int status, uint64_t ns); /* the answer is written (status as
                                         sent) or the client is gone (status 0); for logs and metrics; may be NULL */
    size_t header_max;     /* bytes of request line and headers: 431, or 414 */
    unsigned header_count; /* how many headers: 431 */
    size_t body_max;       /* bytes of body, decoded: 413 */
    size_t bodies_max;     /* bytes of all bodies and answers that are held at once, shared by owners (shares.h): a body
                              past it is 503 */
    unsigned connections;  /* at once; one more takes the place of one that has no request at work (seats.h), or is
                              answered 503 and closed */
    const char *proxies;   /* "10.0.0.0/8, unix": who is believed about X-Forwarded-For (base/ip.h); NULL: nobody */
    uint64_t header_ms;    /* from the first byte (or the connection's start) to the end of the head: 408 */
    uint64_t body_ms;      /* for the whole body: 408 */
    uint64_t idle_ms;      /* between two exchanges: closed without a word */
    uint64_t write_ms;     /* for a client to take 64 KiB of an answer, or its rest: closed */
};

/* Binds and listens. 0, or -1 with a sentence that names the address. */
int http_server_start(struct http_server **out, uv_loop_t *loop, const struct http_options *options,
                      struct error *error);

/* Where it listens: "127.0.0.1:43210" with the real port, or "unix:/path". */
const char *http_server_address(const struct http_server *server);
unsigned http_server_connections(const struct http_server *server);

/* Stops listening; idle connections close now, others after their answer ("Connection: close"). */
void http_server_drain(struct http_server *server);

/* Closes all that is left (gone callbacks fire), then calls `closed`, then the server is freed. A unix
 * socket's file is removed. */
void http_server_stop(struct http_server *server, void (*closed)(void *arg), void *arg);

/* What a request says. Strings are NUL-terminated; NULL where absent. */
void *http_data(const struct http_exchange *ex); /* the options' data */
const struct http_route *http_route(const struct http_exchange *ex);
const char *http_method(const struct http_exchange *ex);
const char *http_path(const struct http_exchange *ex);                     /* as sent, without the query */
const char *http_param(const struct http_exchange *ex, const char *name);  /* decoded path segment */
const char *http_query(const struct http_exchange *ex, const char *name);  /* decoded, the first of that name */
const char *http_header(const struct http_exchange *ex, const char *name); /* any case; several joined by ", " */
const char *http_body(const struct http_exchange *ex, size_t *len);        /* never NULL */
int64_t http_content_length(const struct http_exchange *ex);               /* -1: chunked or none */
uint64_t http_arrived(const struct http_exchange *ex); /* monotonic ns, once the handler runs: its last byte was read */
const char *http_peer(const struct http_exchange *ex); /* the client's address, as a trusted proxy says it; or "unix" */
struct ip http_client(const struct http_exchange *ex); /* likewise; all zeros for "unix" */
/* Whether it comes from a loopback address, and as far as can be seen not by way of a proxy. */
bool http_is_direct_local(const struct http_exchange *ex);
const char *http_request_id(const struct http_exchange *ex); /* the client's X-Request-Id where it is
                                                                1 to 64 of [A-Za-z0-9._-], else a new one */

/* A pointer of the owner's for the exchange (who was admitted, what it waits for). */
void http_set_user(struct http_exchange *ex, void *user);
void *http_user(const struct http_exchange *ex);

/* Whose the request is, said once and before http_admit(): what one owner's requests hold must not shut the others out
 * (shares.h). Without it the request is its own owner. */
void http_set_owner(struct http_exchange *ex, int64_t owner);

/* Most bytes that its body and its answer held at any time. */
size_t http_held(const struct http_exchange *ex);

/* What a handler holds of the memory for bodies and answers; it may outlive the exchange, and the server waits for it.
 */
struct http_claim {
    struct http_server *server;
    struct http_share *share; /* the owner's, as of the exchange */
    size_t bytes;
};

/* Takes the body out of the exchange: free() it; NULL: out of memory. The claim holds its bytes instead. */
char *http_claim_body(struct http_exchange *ex, struct http_claim *claim, size_t *len);

/* The claim is `bytes` now. False: they are too many, or too many are its owner's; they are counted all the same. */
bool http_claim_set(struct http_claim *claim, size_t bytes);

/* Gives all back. A claim that was never opened may be closed. */
void http_claim_close(struct http_claim *claim);

/* Goes on after admit(): reads the body (100 Continue is sent now, where asked for), then the handler. */
void http_admit(struct http_exchange *ex);

/* Calls `gone` once if the client goes away before http_respond(): the connection was reset, or closed
 * in both directions (a half-close alone is not). The exchange is freed after it: touch it no more, and
 * do not respond; on_done comes before it. NULL takes it back. Without it the exchange lives on until
 * http_respond(), which then sends nothing. */
void http_on_gone(struct http_exchange *ex, void (*gone)(void *arg), void *arg);

/* Adds a header to the answer. With a control byte in it, or all together over 8 KiB, the answer becomes
 * 500. */
void http_header_add(struct http_exchange *ex, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Answers. Takes `body` (malloc'ed, may be NULL with len 0). `type` is the Content-Type, NULL for none.
 * X-Request-Id, Date, Content-Length and Connection are added here. Frees the exchange once written. */
void http_respond(struct http_exchange *ex, int status, const char *type, char *body, size_t len);

/* {"detail": text} with the status. */
void http_respond_error(struct http_exchange *ex, int status, const char *detail);

#endif
