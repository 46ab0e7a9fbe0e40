/* The end of a connection whose answer is written. If we closed it at once, the kernel would reply to what the client
 * still sends with a reset, and a reset makes the client's kernel throw away the answer that the client has not read
 * yet. So what still comes is read and dropped.
 *
 * A client that is refused while it sends its body may read nothing before it has sent all of it (Python's
 * http.client), or it may take the end of our side for the end of the connection and fail (Node's). So the way is:
 * DISCARDING until the body is there; then we shut our side, LINGERING; then the client shuts its side, and the
 * connection is closed.
 *
 * The bounds: 2 s without a byte end DISCARDING, and another 2 s LINGERING. Both together may take body_ms for each
 * body_max of what has yet to come, as if the body were wanted. If the body's length is known, that much is dropped,
 * and at most HTTP_DISCARD_MAX; else twice body_max. When the server drains, each connection has 2 s. */
#ifndef CODECELL_HTTP_LINGER_H
#define CODECELL_HTTP_LINGER_H

struct http_connection;

void http_linger(struct http_connection *conn);       /* begins; after the answer was written */
void http_linger_drop(struct http_connection *conn);  /* drops what was read */
void http_linger_over(struct http_connection *conn);  /* the deadline has passed */
void http_linger_drain(struct http_connection *conn); /* the server ends: shortens the deadline */

#endif
