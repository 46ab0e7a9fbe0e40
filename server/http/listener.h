/* The server as a whole: where it listens, what it serves, and its end. */
#ifndef CODECELL_HTTP_LISTENER_H
#define CODECELL_HTTP_LISTENER_H

#include "http/router.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct error;
struct http_filter;
struct http_manners;
struct http_server;
struct http_transport;

struct http_options {
    const char *listen;                        /* "127.0.0.1:8002", "[::1]:8002", "0.0.0.0:0", or "unix:/path" */
    const struct http_route *routes;           /* ends with a method of NULL; kept by pointer */
    const struct http_manners *const *manners; /* of groups of routes (manners.h); ends with NULL; may be NULL */
    http_handler *admit; /* decides on the head alone: http_admit() or http_respond(), now or later */
    void *data;          /* the owner's, see http_data() */
    /* Lays a transport over a client's socket, such as TLS; NULL: the socket itself is used. What it returns is the
     * connection's until its on_closed, closes the socket with itself, and calls on_closed after the socket's. NULL:
     * out of memory. */
    struct http_transport *(*cover)(struct http_transport *socket, void *data);
    const struct http_filter *const *filters; /* of answers, in their order (filter.h); ends with NULL; may be NULL */
    void (*on_done)(struct http_exchange *ex, int status, uint64_t ns); /* the answer is written (its status), or the
                                         client has gone (status 0); for logs and metrics; may be NULL */
    http_handler *on_answer; /* called when an answer's head is about to be made: may add headers, to any answer; may be
                                NULL */
    size_t header_max;       /* bytes of request line and headers: 431, or 414 */
    unsigned header_count;   /* how many headers: 431 */
    size_t body_max;         /* bytes of a body, decoded: 413 */
    uint64_t body_rate;      /* bytes of bodies a second, of one party while others ask (inflow.h); 0: no limit */
    size_t bodies_max;    /* bytes of all bodies and answers that are held at once, shared by owners (shares.h): a body
                             that exceeds it is answered 503 */
    unsigned connections; /* at once; one more takes the place of one without a request at work (seats.h), or is
                             answered 503 and closed */
    const char *proxies;  /* "10.0.0.0/8, unix": whose X-Forwarded-For is believed (base/ip.h); NULL: no proxy's */
    uint64_t header_ms;   /* from the first byte (or the connection's start) to the end of the head: 408 */
    uint64_t body_ms;     /* for the whole body: 408 */
    uint64_t idle_ms;     /* between two exchanges; then the connection is closed without an answer */
    uint64_t write_ms;    /* for a client to take 64 KiB of an answer, or its rest; else the connection is closed */
};

/* Binds and listens. 0, or -1 with a sentence that names the address. */
int http_server_start(struct http_server **out, uv_loop_t *loop, const struct http_options *options,
                      struct error *error);

/* The address in use: "127.0.0.1:43210" with the real port, or "unix:/path". */
const char *http_server_address(const struct http_server *server);
unsigned http_server_connections(const struct http_server *server);

/* Stops listening. Idle connections close now, others after their answer ("Connection: close"). */
void http_server_drain(struct http_server *server);

/* Closes every connection (gone callbacks are called), then calls `closed`, then frees the server. Removes a unix
 * socket's file. */
void http_server_stop(struct http_server *server, void (*closed)(void *arg), void *arg);

#endif
