#include "http/listener.h"

#include "base/error.h"
#include "http/connection.h"
#include "http/connection_accept.h"
#include "http/listener_address.h"
#include "http/server.h"
#include "http/turns.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define BACKLOG 1024

static void on_server_handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;

    server->handles--;
    http_server_release(server);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0) /* else uv has dropped it, because there are no descriptors */
        http_connection_accept(listener->data);
}

/* A write to a client that left must fail, not end the process: libuv leaves the signal to us. */
static void ignore_sigpipe(void)
{
    struct sigaction now;

    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

static struct http_server *server_new(uv_loop_t *loop, const struct http_options *options)
{
    struct http_server *server = calloc(1, sizeof *server);

    if (server == NULL)
        return NULL;
    server->loop = loop;
    list_init(&server->connections);
    server->options = *options;
    server->options.listen = NULL;
    server->options.proxies = NULL;
    server->shares.most = options->bodies_max;
    server->inflow.rate = options->body_rate;
    server->inflow.burst = HTTP_INFLOW_BURST;
    http_turns_init(server);
    server->handles = 2;
    return server;
}

int http_server_start(struct http_server **out, uv_loop_t *loop, const struct http_options *options,
                      struct error *error)
{
    struct http_server *server = server_new(loop, options);

    if (server == NULL)
        return error_set(error, ERROR_MEMORY, "listen on %s: out of memory", options->listen);
    ignore_sigpipe();
    bool opened = false;
    int rc = 0;
    if (!ip_nets_parse(options->proxies != NULL ? options->proxies : "", &server->proxies))
        rc = error_set(error, ERROR_INVALID, "trusted proxies: \"%s\" is not a list of networks", options->proxies);
    if (rc == 0)
        rc = http_address_open(server, options->listen, &opened, error);
    if (opened) {
        server->handles++;
        server->listener.handle.data = server;
    } else {
        server->state = HTTP_DRAINING; /* nothing to stop listening on */
    }
    if (rc == 0) {
        rc = uv_listen(&server->listener.stream, BACKLOG, on_connection);
        if (rc == 0)
            rc = http_address_name(server, options->listen);
        if (rc != 0)
            rc = error_set(error, ERROR_INTERNAL, "listen on %s: %s", options->listen, uv_strerror(rc));
    }
    if (rc != 0) {
        http_server_stop(server, NULL, NULL);
        return -1;
    }
    *out = server;
    return 0;
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}

unsigned http_server_connections(const struct http_server *server)
{
    return server->open - server->refused;
}

static void stop_listening(struct http_server *server)
{
    if (server->state == HTTP_SERVING)
        uv_close(&server->listener.handle, on_server_handle_closed); /* a unix socket's file goes with it */
}

void http_server_drain(struct http_server *server)
{
    if (server->state == HTTP_STOPPING)
        return;
    stop_listening(server);
    server->state = HTTP_DRAINING;
    http_turns_drain(server);
    LIST_EACH (node, &server->connections)
        http_connection_drain(container_of(node, struct http_connection, node));
}

void http_server_stop(struct http_server *server, void (*closed)(void *arg), void *arg)
{
    assert(server->state != HTTP_STOPPING);
    stop_listening(server);
    server->state = HTTP_STOPPING;
    server->closed = closed;
    server->closed_arg = arg;
    uv_close((uv_handle_t *)&server->turn, on_server_handle_closed);
    uv_close((uv_handle_t *)&server->rest_over, on_server_handle_closed);
    LIST_EACH (node, &server->connections)
        http_connection_lost(container_of(node, struct http_connection, node));
}
