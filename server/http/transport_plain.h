/* A plain socket as a transport: TCP or a unix socket. */
#ifndef CODECELL_HTTP_TRANSPORT_PLAIN_H
#define CODECELL_HTTP_TRANSPORT_PLAIN_H

#include "base/ip.h"
#include "http/transport.h"

struct http_plain {
    struct http_transport transport;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    uv_shutdown_t shutdown;
};

/* Initializes the socket, which must then be closed. */
void http_plain_init(struct http_plain *plain, uv_loop_t *loop, bool is_unix);

/* Takes the connection that the listener reports. 0, or an error of uv. */
int http_plain_accept(struct http_plain *plain, uv_stream_t *listener);

/* The peer's address. False: it has none. */
bool http_plain_peer(const struct http_plain *plain, struct ip *out);

#endif
