/* An answer as server-sent events.
 *
 *   event_answer_new() ─ event_answer_begin() ─ event_answer_send(), as often as wanted ─ event_answer_end()
 *                                │                      └ false: wait for room()
 *                                └ the client goes (the owner's http_on_gone): event_answer_drop()
 *
 * A comment goes out if nothing else did for 15 seconds. After the client's side has ended one goes out each second,
 * because only what is sent shows whether the client still reads. */
#ifndef CODECELL_API_EVENT_ANSWER_H
#define CODECELL_API_EVENT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct event_answer;
struct http_exchange;

/* `room` is called after event_answer_send() returned false, when the client has taken all of it; it may send. NULL:
 * out of memory. */
struct event_answer *event_answer_new(uv_loop_t *loop, void (*room)(void *arg), void *arg);

/* Sends the head. Headers are added before. */
void event_answer_begin(struct event_answer *answer, struct http_exchange *ex);

/* Sends an event. `id` 0: it has no number. `json` is one line. Each event is taken; false: the client is slower, and
 * the owner should wait. If there is no memory, the answer has no further event, and event_answer_end() lets the client
 * see that it is cut. */
bool event_answer_send(struct event_answer *answer, uint64_t id, const char *name, const char *json, size_t len);

/* Sends a line that clients leave out. */
void event_answer_comment(struct event_answer *answer, const char *text);

/* Ends the answer after what was sent. The exchange's gone callback is the answer's from now on, which frees itself.
 * `whole`: false: the client sees that the answer is cut. */
void event_answer_end(struct event_answer *answer, bool whole);

/* Frees it without an end: the client has gone, or the answer has not begun. NULL is allowed. */
void event_answer_drop(struct event_answer *answer);

#endif
