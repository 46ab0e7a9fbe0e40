/* How a request's body comes to its owner: as a whole (http_body(), which is the default), or piece by piece. */
#ifndef CODECELL_HTTP_BODY_H
#define CODECELL_HTTP_BODY_H

#include <stddef.h>

struct http_exchange;

/* Takes a piece of the body, which is good for the call alone. 0, or -1: out of memory, which is answered. It may call
 * http_body_hold() or answer; after an answer no further piece comes. */
typedef int http_body_piece(struct http_exchange *ex, const char *data, size_t len);

/* The body comes to `on_piece`, and nothing of it is kept. Before http_admit(). The route's handler is called after the
 * last piece. An owner that keeps a pointer to the exchange needs http_on_gone(). */
void http_body_flows(struct http_exchange *ex, http_body_piece *on_piece);

/* No further piece comes, and the handler is not called, until http_body_go_on(). Meanwhile the client can send until
 * HTTP_READ_MAX bytes are held and the kernel's buffers are full. No deadline passes. */
void http_body_hold(struct http_exchange *ex);

/* Takes the hold back. body_ms begin anew. Pieces and the handler may be called within this call; as after
 * http_admit(), the exchange may be gone afterwards. */
void http_body_go_on(struct http_exchange *ex);

/* For the files of this folder. */

/* The default: keeps the whole body for http_body(). */
http_body_piece http_body_keep;

#endif
