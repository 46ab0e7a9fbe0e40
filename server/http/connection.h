/* One client's connection: its state, the exchange that it is at, its deadline and its end.
 *
 * Other files move a connection on: connection_accept.c (its beginning, its timer), connection_read.c (what comes from
 * the client), answer.c and flow.c (what goes to the client), body.c (a held body), upgrade.c (a socket that is handed
 * over), linger.c (how a connection ends) and presence.c (whether the client is still there). This file calls none of
 * them, except through `expired` and `proceed`. */
#ifndef CODECELL_HTTP_CONNECTION_H
#define CODECELL_HTTP_CONNECTION_H

#include "base/buf.h"
#include "base/ip.h"
#include "http/connection_state.h"
#include "http/seats.h"
#include "http/server.h"
#include "http/transport_plain.h"
#include "http/upgrade.h"

#include <netinet/in.h>

struct http_exchange;

enum http_peer_state {
    HTTP_PEER_HERE,
    HTTP_PEER_SHUT, /* sends no more; presence.c finds out whether it still reads */
    HTTP_PEER_LOST  /* neither sends nor reads */
};

#define HTTP_UNREAD_UNKNOWN UINT64_MAX /* a chunked body */

struct http_connection {
    struct http_server *server;
    struct list node;                 /* in the server's `connections` */
    struct list resting;              /* in the server's `resting` or `paused` */
    uint64_t rest_end;                /* while in `paused`: loop time, ms */
    uint64_t paused_ms;               /* of its rests, by which its deadline has yet to be put off */
    struct http_plain plain;          /* the socket */
    struct http_transport *transport; /* the plain one, or what covers it */
    uv_timer_t timer;                 /* the state's deadline, or the next look of presence.c */
    struct http_write interim;        /* 100 Continue; one at a time, because the answer is written after it */
    unsigned handles;                 /* open: transport and timer; and what http_connection_keep() was called for */
    enum http_state state;
    enum http_peer_state peer;
    bool refused;     /* over the cap */
    bool running;     /* http_connection_run() is at work */
    bool reading;     /* the transport reads */
    bool is_trusted;  /* the peer is a proxy of CODECELL_TRUSTED_PROXIES */
    uint64_t read_ns; /* monotonic: when bytes came last */
    struct http_exchange *exchange;
    const char *input; /* while running: what has yet to be read */
    size_t input_len;
    struct buf pending;             /* what came early: at most HTTP_READ_MAX */
    size_t untaken;                 /* while writing: bytes that the client had not taken when the timer was last set */
    uint64_t unread;                /* bytes of a refused body that have yet to come; HTTP_UNREAD_UNKNOWN */
    uint64_t droppable;             /* DISCARDING, LINGERING: bytes that may still be read and dropped */
    uint64_t linger_end;            /* DISCARDING, LINGERING: loop time, ms */
    char address[INET6_ADDRSTRLEN]; /* the peer's, or "unix" */
    struct ip ip;                   /* the peer's; all zeros: it has none */
    struct http_seat seat;          /* among the server's `seats`; refused ones have none */

    struct http_socket socket; /* UPGRADED: as its owner has it */

    /* Set once, by connection_accept.c. */
    void (*expired)(struct http_connection *conn); /* the state's deadline has passed */
    void (*proceed)(struct http_connection *conn); /* something has changed: goes on as far as it can */
};

/* A connection of the server, with its plain transport initialized. Never NULL: uv reports a connection again and again
 * until it is accepted into a handle, so the server ends if there is no memory for one. */
struct http_connection *http_connection_new(struct http_server *server);

/* The transport carries the connection's bytes from now on, and its end is the connection's. */
void http_connection_ride(struct http_connection *conn, struct http_transport *transport);

/* Ends it now. Its exchange ends with it; the exchange's gone callback is called last. */
void http_connection_close(struct http_connection *conn);

/* The connection's struct lives until the release, also if the connection is closed before. */
void http_connection_keep(struct http_connection *conn);
void http_connection_release(struct http_connection *conn);

/* The client neither sends nor reads any more. An exchange without a gone callback lives on until it is answered,
 * because its owner holds a pointer to it. */
void http_connection_lost(struct http_connection *conn);

/* UPGRADED: asks the socket's owner to close. */
void http_connection_dismiss(struct http_connection *conn);

/* The only setter of the state: asserts that the move is legal, and sets the state's deadline. */
void http_connection_set(struct http_connection *conn, enum http_state state);
bool http_connection_may(const struct http_connection *conn, enum http_state state); /* the move is legal */
bool http_connection_waits(const struct http_connection *conn);                      /* for the exchange's owner */

uint64_t http_connection_patience(const struct http_connection *conn); /* ms that its state may last; 0: no limit */
void http_connection_arm(struct http_connection *conn);                /* begins the state's deadline anew */

/* Finds seat and deadline anew, after something within the state has changed. */
void http_connection_refresh(struct http_connection *conn);

/* Takes a seat, another connection's if all are taken. False: there is none. */
bool http_connection_sit(struct http_connection *conn);
/* The seat is the party's from now on, because the client has shown a key or a trusted proxy says whose it is. */
void http_connection_pass(struct http_connection *conn, const struct http_party *party);

#endif
