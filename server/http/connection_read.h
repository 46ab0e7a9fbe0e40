/* What comes from the client, step by step into requests.
 *
 * A connection's way when all goes well: FRESH until the first byte; HEAD; the route is found, then ADMITTING until the
 * owner calls http_admit(); BODY; WORKING until the owner calls http_respond(); ANSWERING; IDLE, and HEAD again. What
 * came early waits in `pending`, so that answers keep the order of their requests.
 *
 * A request that is wrong is answered in the state in which that shows. Then the connection ends, because the place
 * where its next request begins is unknown: linger.c.
 *
 * Callbacks of uv and of the owner note what happened. http_connection_run() goes on from there, one step after another
 * and never inside itself, because a thousand pipelined requests must not nest. */
#ifndef CODECELL_HTTP_CONNECTION_READ_H
#define CODECELL_HTTP_CONNECTION_READ_H

#include <stdbool.h>
#include <stddef.h>

struct http_connection;

/* Goes on as far as it can, with what is pending. */
void http_connection_go_on(struct http_connection *conn);

/* Begins an exchange: HEAD. False: out of memory, and the connection is closing. */
bool http_connection_begin(struct http_connection *conn);

/* Stops reading if `pending` is full, and reads again if it has room. */
void http_connection_watch(struct http_connection *conn);

#endif
