/* One client's connection: which exchange it is at, what it waits for, and when it ends. */
#ifndef CODECELL_HTTP_CONNECTION_H
#define CODECELL_HTTP_CONNECTION_H

#include "base/buf.h"
#include "base/ip.h"
#include "http/seats.h"
#include "http/server.h"

#include <netinet/in.h>

struct http_exchange;

enum http_state {
    HTTP_CONN_FRESH,      /* accepted, nothing came yet */
    HTTP_CONN_HEAD,       /* reading a head */
    HTTP_CONN_ADMITTING,  /* admit() decides */
    HTTP_CONN_BODY,       /* reading a body */
    HTTP_CONN_WORKING,    /* the handler has it */
    HTTP_CONN_ANSWERING,  /* writing the answer */
    HTTP_CONN_IDLE,       /* between two exchanges */
    HTTP_CONN_DISCARDING, /* the answer is written, the client still sends the body that it refuses */
    HTTP_CONN_LINGERING,  /* our side is shut, the client has yet to read */
    HTTP_CONN_CLOSING,    /* handles are being closed */
    HTTP_CONN_STATES
};

enum http_peer_state {
    HTTP_PEER_HERE,
    HTTP_PEER_SHUT, /* sends no more; whether it reads is found out by connection_presence.c */
    HTTP_PEER_LOST  /* neither sends nor reads */
};

#define HTTP_UNREAD_UNKNOWN UINT64_MAX /* a chunked body */

struct http_connection {
    struct http_server *server;
    struct http_connection *prev, *next; /* in the server's list */
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    uv_timer_t timer; /* the state's deadline, or connection_presence.c's next look */
    uv_shutdown_t shutdown;
    uv_write_t interim; /* 100 Continue; one at a time, for the answer is written behind it */
    unsigned handles;   /* open: socket and timer */
    enum http_state state;
    enum http_peer_state peer;
    bool refused;     /* over the cap */
    bool running;     /* http_connection_run() is at work */
    bool reading;     /* uv_read_start() is in force */
    uint64_t read_ns; /* monotonic: when bytes came last */
    struct http_exchange *exchange;
    const char *input; /* while running: what is to be read */
    size_t input_len;
    struct buf pending;             /* what came early: at most HTTP_READ_MAX */
    size_t untaken;                 /* ANSWERING: bytes that the client had not, when the timer was last set */
    uint64_t unread;                /* of a body that is refused: what has yet to come; HTTP_UNREAD_UNKNOWN */
    uint64_t droppable;             /* DISCARDING, LINGERING: bytes that may still be read and dropped */
    uint64_t linger_end;            /* DISCARDING, LINGERING: loop time, ms */
    char address[INET6_ADDRSTRLEN]; /* the peer's, or "unix" */
    struct ip ip;                   /* the peer's; all zeros: it has none */
    bool is_trusted;                /* the peer is a proxy of CODECELL_TRUSTED_PROXIES */
    struct http_seat seat;          /* among the server's `seats`; refused ones have none */
};

/* Takes the connection that the listener reports. */
void http_connection_accept(struct http_server *server);

/* Goes on with what is there, as far as it goes. `data` is what came, NULL for nothing new. */
void http_connection_run(struct http_connection *conn, const char *data, size_t len);

/* Ends it now: the exchange with it, its gone callback last. */
void http_connection_close(struct http_connection *conn);

/* The client neither sends nor reads any more. An exchange whose owner did not ask to be told lives on
 * until it is answered: the owner holds a pointer to it. */
void http_connection_lost(struct http_connection *conn);

/* Where nobody waits for an answer on it: closes it. */
void http_connection_drain(struct http_connection *conn);

/* The only setter of a state: asserts that the move is legal, and sets its deadline. */
void http_connection_set(struct http_connection *conn, enum http_state state);
/* It is the party's from now on: because it has shown a key, or a trusted proxy says whose it is. */
void http_connection_pass(struct http_connection *conn, const struct http_party *party);
void http_connection_arm(struct http_connection *conn); /* the state's deadline anew */
bool http_connection_may(const struct http_connection *conn, enum http_state state);
bool http_connection_waits(const struct http_connection *conn); /* for the owner: ADMITTING or WORKING */

/* connection_read.c: a new exchange, HEAD. False: out of memory, and it is closing. */
bool http_connection_begin(struct http_connection *conn);
/* Reading stops where `pending` is full, and goes on when it has room. */
void http_connection_watch(struct http_connection *conn);

/* connection_write.c: answers what its request says is wrong (http_request_fail). */
void http_connection_refuse(struct http_connection *conn);
/* Bytes of the answer that the client's kernel has not acknowledged, in libuv's queue and in our kernel's. */
size_t http_connection_untaken(const struct http_connection *conn);

/* connection_linger.c: how a connection ends whose answer is written. */
void http_linger(struct http_connection *conn);
void http_linger_drop(struct http_connection *conn);         /* what was read */
void http_linger_over(struct http_connection *conn);         /* the timer's */
void http_linger_drain(struct http_connection *conn);        /* the server ends: soon, please */
uint64_t http_linger_ms(const struct http_connection *conn); /* until its deadline; at least 1 */

/* connection_presence.c: whether the client is still there while an exchange is under way. */
void http_presence_watch(struct http_connection *conn);
void http_presence_look(struct http_connection *conn); /* the timer's */

#endif
