/* Answers that flow: written piece by piece, while the rest is still being made.
 *
 *   http_flow_begin() ─ http_flow_write(), as often as wanted ─ http_flow_end()
 *           │                 │ └ it took less than all: on_drained calls back when there is room again
 *           │                 └ http_flow_abort(): the client sees that the answer is cut
 *           └ the client goes away: http_on_gone's callback, after which the exchange must not be touched
 *
 * HTTP/1.1 gets chunks. HTTP/1.0 gets the bytes alone, and its connection is closed at the end. A HEAD gets the head
 * alone, and all that is written is dropped. */
#ifndef CODECELL_HTTP_FLOW_H
#define CODECELL_HTTP_FLOW_H

#include <stddef.h>

struct http_exchange;

#define HTTP_FLOW_MAX \
    ((size_t)256 * 1024) /* bytes that wait for the client, before filters; further ones are not taken */

/* Begins the answer and sends its head. Headers are added before it. */
void http_flow_begin(struct http_exchange *ex, int status, const char *type);

/* Queues bytes, which are copied, and sends them as soon as the client takes them. Returns how many of them it took:
 * all, or fewer if the queue is full. If the client has left but its gone callback is yet to come, all are taken and
 * dropped.
 */
size_t http_flow_write(struct http_exchange *ex, const char *data, size_t len);

/* Calls `drained` from the loop after http_flow_write() took less than all, each time that at least half of the queue
 * is empty again. NULL takes it back. */
void http_flow_on_drained(struct http_exchange *ex, void (*drained)(void *arg), void *arg);

/* Ends the answer. The exchange is freed after the rest was written: do not touch it again. */
void http_flow_end(struct http_exchange *ex);

/* Closes the connection, so that the answer has no end. The same rule holds for the exchange. */
void http_flow_abort(struct http_exchange *ex);

#endif
