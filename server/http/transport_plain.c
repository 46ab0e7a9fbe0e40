#include "http/transport_plain.h"

#include "base/container_of.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#define KEEPALIVE_S 60 /* so that a client whose machine has vanished is noticed while a program runs */

static struct http_plain *plain_of(const struct http_transport *transport)
{
    return container_of(transport, struct http_plain, transport);
}

static void on_plain_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct http_transport *transport = handle->data;

    (void)suggested;
    transport->on_alloc(transport, buf);
}

static void on_plain_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct http_transport *transport = stream->data;

    if (n != 0) /* uv's "try again" */
        transport->on_read(transport, n, buf->base);
}

static int plain_read_start(struct http_transport *transport)
{
    return uv_read_start(&plain_of(transport)->socket.stream, on_plain_alloc, on_plain_read);
}

static void plain_read_stop(struct http_transport *transport)
{
    uv_read_stop(&plain_of(transport)->socket.stream);
}

static void on_plain_written(uv_write_t *uv, int status)
{
    struct http_write *write = container_of(uv, struct http_write, uv);

    write->done(write, status);
}

static int plain_write(struct http_transport *transport, struct http_write *write, const uv_buf_t *parts,
                       unsigned count)
{
    return uv_write(&write->uv, &plain_of(transport)->socket.stream, parts, count, on_plain_written);
}

static int plain_try_write(struct http_transport *transport, const uv_buf_t *part)
{
    return uv_try_write(&plain_of(transport)->socket.stream, part, 1);
}

static void on_plain_shutdown(uv_shutdown_t *request, int status)
{
    (void)request; /* the peer's end of file or the user's timer ends the connection */
    (void)status;
}

static int plain_shutdown(struct http_transport *transport)
{
    struct http_plain *plain = plain_of(transport);

    return uv_shutdown(&plain->shutdown, &plain->socket.stream, on_plain_shutdown);
}

/* libuv's queue moves only when a third of the kernel's buffer is free, which may be megabytes, so that a slow reader
 * would look like one that does not read. So what is in the kernel's buffer counts too. */
static size_t plain_untaken(const struct http_transport *transport)
{
    const struct http_plain *plain = plain_of(transport);
    int fd, queued = 0;

    if (uv_fileno(&plain->socket.handle, &fd) != 0 || ioctl(fd, SIOCOUTQ, &queued) != 0)
        queued = 0;
    return uv_stream_get_write_queue_size(&plain->socket.stream) + (size_t)queued;
}

static bool plain_is_broken(const struct http_transport *transport)
{
    struct pollfd entry = {0};

    if (uv_fileno(&plain_of(transport)->socket.handle, &entry.fd) != 0 || poll(&entry, 1, 0) < 0)
        return false;
    return (entry.revents & (POLLERR | POLLHUP)) != 0;
}

static void on_plain_closed(uv_handle_t *handle)
{
    struct http_transport *transport = handle->data;

    transport->on_closed(transport);
}

static void plain_close(struct http_transport *transport)
{
    uv_close(&plain_of(transport)->socket.handle, on_plain_closed);
}

static const struct http_transport_kind plain_kind = {
    .read_start = plain_read_start,
    .read_stop = plain_read_stop,
    .write = plain_write,
    .try_write = plain_try_write,
    .shutdown = plain_shutdown,
    .untaken = plain_untaken,
    .is_broken = plain_is_broken,
    .close = plain_close,
};

void http_plain_init(struct http_plain *plain, uv_loop_t *loop, bool is_unix)
{
    *plain = (struct http_plain){.transport.kind = &plain_kind};
    if (is_unix)
        uv_pipe_init(loop, &plain->socket.pipe, 0);
    else
        uv_tcp_init(loop, &plain->socket.tcp);
    plain->socket.handle.data = &plain->transport;
}

int http_plain_accept(struct http_plain *plain, uv_stream_t *listener)
{
    int rc = uv_accept(listener, &plain->socket.stream);

    if (rc == 0 && plain->socket.handle.type == UV_TCP) {
        uv_tcp_nodelay(&plain->socket.tcp, 1);
        uv_tcp_keepalive(&plain->socket.tcp, 1, KEEPALIVE_S);
    }
    return rc;
}

bool http_plain_peer(const struct http_plain *plain, struct ip *out)
{
    struct sockaddr_storage peer;
    int len = sizeof peer;

    return plain->socket.handle.type == UV_TCP &&
           uv_tcp_getpeername(&plain->socket.tcp, (struct sockaddr *)&peer, &len) == 0 &&
           ip_of((struct sockaddr *)&peer, out);
}
