/* The server's own struct, for the files of this folder. */
#ifndef CODECELL_HTTP_SERVER_H
#define CODECELL_HTTP_SERVER_H

#include "base/ip.h"
#include "base/list.h"
#include "http/inflow.h"
#include "http/listener.h"
#include "http/seats.h"
#include "http/shares.h"

#define HTTP_READ_MAX 65536         /* bytes of one read, and of what is held of pipelined requests */
#define HTTP_REFUSED_MAX 64         /* connections over the cap that get an answer; more are closed without one */
#define HTTP_LINGER_MS 2000         /* without a byte, before our side is shut, and again before the end */
#define HTTP_DISCARD_MAX (1u << 30) /* bytes of a refused body that are read and dropped, if its length is known */
#define HTTP_PACE                                                                             \
    65536 /* bytes of an answer that the client must take in write_ms, because an answer that \
             is taken in a trickle holds memory */

enum http_server_state { HTTP_SERVING, HTTP_DRAINING, HTTP_STOPPING };

struct http_server {
    uv_loop_t *loop;
    struct http_options options; /* a copy; its strings are not used after the start */
    enum http_server_state state;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } listener;
    uv_idle_t turn;       /* turns.c's; closed at stop, so that there is always one more callback to end in */
    uv_timer_t rest_over; /* turns.c's, closed with it */
    bool is_unix;
    unsigned handles; /* of the three above, still open */
    char address[128];

    struct list connections;   /* of struct http_connection, the newest first */
    struct list resting;       /* of those that read on in the next turn of the loop */
    struct list paused;        /* of those that read on at their `rest_end` */
    unsigned open;             /* how many, refused ones included */
    unsigned refused;          /* how many of them are over the cap */
    struct http_seats seats;   /* who holds the connections, except the refused ones */
    struct ip_nets proxies;    /* trusted ones */
    struct http_shares shares; /* of the exchanges' bodies and answers */
    struct http_inflow inflow; /* how fast bodies are read */

    void (*closed)(void *arg);
    void *closed_arg;

    char date[32]; /* of the answers, written again when `date_s` passes */
    int64_t date_s;
    char input[HTTP_READ_MAX]; /* what any connection reads into, so that an idle one holds no buffer */
};

/* Called when a handle of the server or a connection has closed: frees the server after the last one. */
void http_server_release(struct http_server *server);

#endif
