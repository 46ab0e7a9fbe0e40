/* How a request's body comes to its owner: as a whole (http_body(), which is the default), or piece by piece. */
#ifndef CODECELL_HTTP_BODY_H
#define CODECELL_HTTP_BODY_H

#include <stddef.h>
#include <stdint.h>

struct http_exchange;

#define HTTP_BODY_PACE 65536u

/* Takes a piece of the body, which is good for the call alone. 0, or -1: out of memory, which is answered. It may call
 * http_body_hold() or answer; after an answer no further piece comes. */
typedef int http_body_piece(struct http_exchange *ex, const char *data, size_t len);

/* The body comes to `on_piece`, and nothing of it is kept. Before http_admit(). The route's handler is called after the
 * last piece. Its deadline begins anew with each HTTP_BODY_PACE bytes, so a large body may take long. An owner that
 * keeps a pointer to the exchange needs http_on_gone(), whose function is also called if the server refuses the body
 * (too large, too slow, malformed). */
void http_body_flows(struct http_exchange *ex, http_body_piece *on_piece);

/* The body may have this many bytes instead of body_max. Before http_admit(). Only for a body that flows. */
void http_body_limit(struct http_exchange *ex, uint64_t bytes);

/* No further piece comes, and the handler is not called, until http_body_go_on(). Meanwhile the client can send until
 * HTTP_READ_MAX bytes are held and the kernel's buffers are full. No deadline passes. */
void http_body_hold(struct http_exchange *ex);

/* Takes the hold back. body_ms begin anew. Pieces and the handler may be called within this call; as after
 * http_admit(), the exchange may be gone afterwards. */
void http_body_go_on(struct http_exchange *ex);

/* For the files of this folder. */

/* So many bytes of the body came. */
void http_body_pace(struct http_exchange *ex, size_t len);

/* The default: keeps the whole body for http_body(). */
http_body_piece http_body_keep;

#endif
