/* An answer as server-sent events: messages while a call is under way, and its result at the end.
 *
 *   mcp_stream_begin() ─ mcp_stream_send(), as often as wanted ─ mcp_stream_end(): the stream has the exchange from
 * then │                                                      on, and frees itself └ the client goes (the caller's
 * http_on_gone): mcp_stream_leave()
 *
 * A comment goes out in each second without a message, because only what is sent shows that a client has closed its
 * connection. */
#ifndef CODECELL_FACES_MCP_STREAM_H
#define CODECELL_FACES_MCP_STREAM_H

#include <jansson.h>
#include <uv.h>

struct http_exchange;
struct mcp_stream;

/* `tick` is called once a second until the end, and may send. Headers are added before. NULL: out of memory, and the
 * answer has not begun. */
struct mcp_stream *mcp_stream_begin(struct http_exchange *ex, uv_loop_t *loop, void (*tick)(void *arg), void *arg);

/* Sends a message, whose reference is taken; NULL: there was no memory for it. It is dropped while the client has yet
 * to take an earlier one. */
void mcp_stream_send(struct mcp_stream *stream, json_t *message);

/* Sends the last message: its text, which is taken; NULL: out of memory, and the client sees that the answer is cut.
 * The exchange's gone callback is the stream's from now on. */
void mcp_stream_end(struct mcp_stream *stream, char *text, size_t len);

/* The client has gone. */
void mcp_stream_leave(struct mcp_stream *stream);

#endif
