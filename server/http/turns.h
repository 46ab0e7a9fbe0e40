/* Turns: of a large body one piece is read in a turn of the loop, and everything else that is ready has its turn before
 * the next piece. libuv alone reads up to 32 pieces of a stream in a row. With the page faults of the memory that they
 * are copied to, that is milliseconds for each stream, in which no other request goes on. A connection whose party
 * sends too much (inflow.h) rests for longer. */
#ifndef CODECELL_HTTP_TURNS_H
#define CODECELL_HTTP_TURNS_H

#include <stdint.h>

struct http_connection;
struct http_server;

void http_turns_init(struct http_server *server);

/* The connection reads nothing more in this turn of the loop, nor within the next `ns`. Its deadline is put off by as
 * much. */
void http_turns_rest(struct http_connection *conn, uint64_t ns);

/* The server drains: all that rest go on in the next turn. */
void http_turns_drain(struct http_server *server);

#endif
