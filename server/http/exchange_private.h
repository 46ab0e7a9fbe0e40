/* A request and its answer, while it is under way. */
#ifndef CODECELL_HTTP_EXCHANGE_PRIVATE_H
#define CODECELL_HTTP_EXCHANGE_PRIVATE_H

#include "base/worker.h"
#include "http/body.h"
#include "http/exchange.h"
#include "http/filter.h"
#include "http/request.h"
#include "http/router.h"
#include "http/transport.h"

#include <netinet/in.h>

#define HTTP_ID_MAX 64         /* characters of X-Request-Id */
#define HTTP_ANSWER_HEAD 16384 /* bytes of an answer's head; half of it for http_header_add() */

struct http_connection;
struct http_socket;

/* An answer that flows (flow.c). */
struct http_flow {
    struct buf filling, sending; /* queued; and with the transport */
    char size[20];               /* the chunk's size line */
    bool chunked;                /* its body goes in chunks */
    bool drops;                  /* what is written is dropped, because this answer has no such body */
    bool headed;                 /* the head was sent */
    bool writing;                /* `sending` is with the transport */
    bool full;                   /* the owner waits for `drained` */
    bool ended;                  /* by the owner */
    bool finished;               /* the end was sent */
    void (*drained)(void *arg);
    void *drained_arg;
};

/* Who gets the socket after a 101 (upgrade.c). */
struct http_switch {
    void (*opened)(void *arg, struct http_socket *socket, const char *early, size_t len);
    void *arg;
};

struct http_exchange {
    struct http_connection *connection;
    struct http_request request;
    struct http_match match;
    const struct http_manners *manners; /* of its path, as far as that is known */
    http_body_piece *on_piece;          /* takes the body; NULL: http_body_keep() */
    bool body_held;                     /* no further piece, please */
    size_t body_paced;                  /* bytes of a body that flows, since its deadline began */
    struct buf request_body;            /* http_body_keep()'s */
    size_t held;                        /* bytes, counted in the server's `shares` */
    size_t most;                        /* bytes that it held at any time */
    struct http_share *share;           /* the owner's; NULL: it has none */
    uint64_t started;                   /* seam's monotonic clock, ns */
    uint64_t arrived;                   /* the same clock, at the end of the read that brought its last byte */
    char id[HTTP_ID_MAX + 1];
    struct ip client;            /* set after the head was read */
    char peer[INET6_ADDRSTRLEN]; /* the same as a text, if a trusted proxy named it; else "" */
    void *user;
    void (*gone)(void *arg);
    void *gone_arg;

    /* Probing (presence.c). */
    unsigned probes;     /* bytes of the answer already sent */
    uint64_t shut_since; /* loop time, ms; 0: the peer has not shut its side */

    /* The answer. */
    struct buf headers; /* added by the owner */
    bool headers_bad;   /* one was invalid or did not fit: the answer is 500 */
    int status;
    bool keep_alive;         /* after it */
    struct buf head;         /* as written */
    char *body;              /* owned */
    size_t body_len;         /* 0: left out */
    struct http_write write; /* of head and body */
    struct http_flow flow;
    struct http_switch switches;
    void *filters[HTTP_FILTERS_MAX]; /* their states, in the server's order */
    bool head_failed;                /* there was no memory for it */
    bool filter_failed;              /* the filters had no memory */
    struct worker_job packing;       /* of pack.c */
    bool is_packing;                 /* a worker thread has the body */
};

struct http_exchange *http_exchange_new(struct http_connection *connection); /* NULL: out of memory */

/* Gives it the request id: when the head is complete, or before an answer to an incomplete one. */
void http_exchange_name(struct http_exchange *ex);

/* Takes the manners of its target, as far as the target is known. */
void http_exchange_behave(struct http_exchange *ex);

/* Sets `client` after the head was read: the peer, or the address that a trusted proxy names. In the second case also
 * `peer`, and the answer is true. */
bool http_exchange_know_client(struct http_exchange *ex);

/* Counts what its body and its answer have grown by among the bytes that the server holds. False: all together exceed
 * what may be held, or its owner's do. */
bool http_exchange_hold(struct http_exchange *ex);

/* Frees the body that was kept. */
void http_exchange_drop_body(struct http_exchange *ex);

/* The one end of an exchange: on_done(), the gone callback if `status` is 0, and then it is freed. */
void http_exchange_end(struct http_exchange *ex, int status);

#endif
