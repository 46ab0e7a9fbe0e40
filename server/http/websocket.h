/* A WebSocket (RFC 6455) on a connection of the server: text messages both ways. No extension is offered.
 *
 *   handler ─ websocket_accept() ─ on_open ─ on_message, websocket_send(), … ─ websocket_close()
 *                  │                  └──────────────────┴ on_gone: the client has left or must go
 *                  └ answered: not a handshake
 *
 *   open ─ closing ─ shut ─ over
 *
 * closing  our close frame is on its way, and what still comes is dropped until the client's own close frame
 * shut     both were sent, or the client's cannot be read: our side ends, and the client has to end the connection
 *
 * The struct frees itself. Its owner must not touch it after on_gone and after websocket_close(). No event fires from
 * within a call of the owner. All is on one loop. */
#ifndef CODECELL_HTTP_WEBSOCKET_H
#define CODECELL_HTTP_WEBSOCKET_H

#include "http/websocket_frames.h"

struct http_exchange;
struct websocket;

struct websocket_events {
    void (*on_open)(void *arg, struct websocket *ws); /* once, first; or on_gone instead */
    /* A text message in UTF-8, with a NUL behind it: free() it. */
    void (*on_message)(void *arg, char *text, size_t len);
    void (*on_drained)(void *arg); /* websocket_send() returned false, and half of what waited is gone */
    void (*on_stop)(void *arg);    /* the server drains: the owner should close soon. Maybe more than once */
    /* The client broke the protocol or sent too large a message. What is sent within the call goes before the close;
     * on_gone follows. */
    void (*on_bad)(void *arg, enum websocket_code code, const char *reason);
    /* Once, last: the client has closed or left, broke the protocol, sent too large a message, or gave no sign of life;
     * or the server ends. Not after websocket_close(). */
    void (*on_gone)(void *arg);
};

#define WEBSOCKET_FULL ((size_t)512 << 10) /* bytes that wait for the client; then websocket_send() returns false */

struct websocket_options {
    const char *subprotocol; /* a client that offers any must offer this one */
    uint64_t ping_ms;        /* from one ping to the next */
    uint64_t pong_ms;        /* without a pong: the client is gone */
    uint64_t close_ms; /* for the client to take the next 64 KiB, to answer our close, and to close the connection */
    const struct websocket_events *events; /* get `arg` */
    void *arg;
};

/* Answers a handler's exchange, which must not be touched any more. 0: 101; on_open or on_gone follows. -1: it was
 * refused (426 with the version that is spoken, or 400), and no event fires. The options' events and subprotocol are
 * kept by pointer. */
int websocket_accept(struct http_exchange *ex, const struct websocket_options *options);

/* The most bytes of the next messages, at most the server's body_max. For a larger one it closes with 1009. */
void websocket_limit(struct websocket *ws, size_t most);

bool websocket_is_receiving(const struct websocket *ws); /* a message has begun, and its end is yet to come */

/* No message comes while it is held, and the client can send until the kernel's buffers are full. It may then send no
 * pong either, so that its patience begins anew afterwards. */
void websocket_hold(struct websocket *ws, bool hold);

/* Sends a text message, which is copied. It is taken in any case; false: the client is slower than the owner, who
 * should wait for on_drained. Without memory for it the client is gone. */
bool websocket_send(struct websocket *ws, const char *text, size_t len);

/* The connection ends, from the loop, and on_gone follows: the owner cannot go on. */
void websocket_fail(struct websocket *ws);

/* Closes after what was sent. `reason`: at most 123 bytes. */
void websocket_close(struct websocket *ws, enum websocket_code code, const char *reason);

/* Pure: the answer to a client's Sec-WebSocket-Key. */
#define WEBSOCKET_ACCEPT_LEN 28
bool websocket_accept_key(const char *key, char out[WEBSOCKET_ACCEPT_LEN + 1]); /* false: not 16 bytes in base64 */

#endif
