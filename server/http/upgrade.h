/* Another protocol on the client's socket, such as WebSocket: 101, and then the bytes are the owner's.
 *
 *   handler ─ http_upgrade_asked() ─ http_upgrade() ─ opened(): the owner reads and writes ─ http_socket_close()
 *
 * The connection keeps its seat (seats.h) until the owner closes, and loses it to no other client. */
#ifndef CODECELL_HTTP_UPGRADE_H
#define CODECELL_HTTP_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>

struct http_exchange;
struct http_transport;

/* A socket that was handed over. */
struct http_socket {
    /* The owner sets `user`, `on_alloc` and `on_read` and starts to read; it leaves `on_closed` alone. What it writes
     * it keeps until the write is done, also after http_socket_close(). It bounds its queue itself (`untaken`). */
    struct http_transport *transport;
    /* The server drains or stops: the owner should close soon. May be called more than once. The owner sets it in
     * opened(); NULL: the server closes the socket. */
    void (*stop)(struct http_socket *socket);
};

/* Whether an HTTP/1.1 request asks for this protocol, with Connection: upgrade. */
bool http_upgrade_asked(const struct http_exchange *ex, const char *protocol);

/* Answers 101 from a handler, with the headers that were added. 0: opened() will be called once, from the loop: with
 * the socket, and with what the client has sent ahead, which is good for the call alone; or with NULL because the
 * client left first. The exchange must not be touched any more. -1: bad headers, or out of memory; the exchange has yet
 * to be answered. */
int http_upgrade(struct http_exchange *ex, const char *protocol,
                 void (*opened)(void *arg, struct http_socket *socket, const char *early, size_t len), void *arg);

/* Ends the connection. The owner is called no more, except for writes that are not done. */
void http_socket_close(struct http_socket *socket);

#endif
