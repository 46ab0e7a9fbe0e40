/* The server's own struct, for the files of this folder. */
#ifndef CODECELL_HTTP_SERVER_H
#define CODECELL_HTTP_SERVER_H

#include "base/ip.h"
#include "http/http.h"
#include "http/seats.h"
#include "http/shares.h"

#define HTTP_READ_MAX 65536         /* bytes of one read, and of what is held of pipelined requests */
#define HTTP_REFUSED_MAX 64         /* connections over the cap that are told so; more are closed without a word */
#define HTTP_LINGER_MS 2000         /* without a byte, before our side is shut, and again before the end */
#define HTTP_DISCARD_MAX (1u << 30) /* bytes of a refused body that are read and dropped, if it says its length */
#define HTTP_PACE 65536             /* bytes of an answer that must be taken in write_ms: a trickle holds memory */

struct http_connection;

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
    uv_timer_t end; /* never started: closed at stop, so that there is always one more callback to end in */
    bool is_unix;
    unsigned handles; /* of the two above, still open */
    char address[128];

    struct http_connection *connections; /* a list, by their `next` */
    unsigned open;                       /* how many, `refused` ones too */
    unsigned refused;                    /* how many of them are over the cap */
    struct http_seats seats;             /* who holds the connections, but the refused ones */
    struct ip_nets proxies;              /* that are believed */
    struct http_shares shares;           /* of the exchanges' bodies and answers */

    void (*closed)(void *arg);
    void *closed_arg;

    char date[32]; /* of the answers, made anew when `date_s` passes */
    int64_t date_s;
    char input[HTTP_READ_MAX]; /* what any connection reads into: so an idle one holds no buffer */
};

/* Called as each handle of the server and each connection is gone: frees the server with the last. */
void http_server_release(struct http_server *server);

/* listener_address.c: opens `listener` on the address, bound and with its file's mode set, not yet listening.
 * The handle is initialised in any case but where the address is none; `*opened` says so. */
int http_address_open(struct http_server *server, const char *address, bool *opened, struct error *error);
/* Writes the address in use, with the real port. */
int http_address_name(struct http_server *server, const char *address);

#endif
