/* What carries a connection's bytes. Today this is a plain socket (transport_plain.h). Another transport may lie over
 * it, such as TLS: http_options.cover.
 *
 * A transport has one user at a time: a connection, or its new owner after an upgrade. The user sets the callbacks
 * below before it calls the transport. All is on one loop. No callback is called within a call of the user. */
#ifndef CODECELL_HTTP_TRANSPORT_H
#define CODECELL_HTTP_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#define HTTP_PARTS_MAX 4 /* of one write */

struct http_transport;

/* One write. Its owner keeps it and the bytes until `done`, which is called once for each write that was begun, also
 * after a close. status: 0, or an error of uv (UV_ECANCELED after a close). */
struct http_write {
    void (*done)(struct http_write *write, int status);
    void *user;
    uv_write_t uv; /* for the plain socket */
};

struct http_transport_kind {
    int (*read_start)(struct http_transport *transport); /* 0 or an error of uv; may be called again */
    void (*read_stop)(struct http_transport *transport);
    /* Queues the parts after all that was written before. 0, or an error of uv: nothing was queued, and `done` is not
     * called. */
    int (*write)(struct http_transport *transport, struct http_write *write, const uv_buf_t *parts, unsigned count);
    /* Writes what can be written without a queue: how many bytes, UV_EAGAIN, or another error of uv. */
    int (*try_write)(struct http_transport *transport, const uv_buf_t *part);
    int (*shutdown)(struct http_transport *transport); /* our side ends after what was written; once */
    /* Bytes that were written and that the peer's kernel has not acknowledged. */
    size_t (*untaken)(const struct http_transport *transport);
    bool (*is_broken)(const struct http_transport *transport); /* it was reset, or both sides are shut */
    void (*close)(struct http_transport *transport);           /* once; `on_closed` comes later */
};

struct http_transport {
    const struct http_transport_kind *kind;
    void *user;
    /* Asks where to read to. At least one byte; the memory is used until the next on_read. */
    void (*on_alloc)(struct http_transport *transport, uv_buf_t *buf);
    /* n > 0: so many bytes came. UV_EOF: the peer sends no more. Another error: the connection is lost. */
    void (*on_read)(struct http_transport *transport, ssize_t n, const char *data);
    /* The last callback: after it the transport's memory may be freed. */
    void (*on_closed)(struct http_transport *transport);
};

#endif
