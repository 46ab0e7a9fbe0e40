/* How an API says things: its body becomes a request, and an execution's end becomes its answer. Our own API is one
 * translation (execute.c), each face is another (server/faces/). execute_as() does everything between the two. */
#ifndef CODECELL_API_TRANSLATION_H
#define CODECELL_API_TRANSLATION_H

#include "api/execute_answer.h"
#include "api/execute_read.h"

#include <stdbool.h>

struct http_exchange;

struct translation {
    bool repeats;     /* an Idempotency-Key counts (repeat.h) */
    bool streams;     /* the answer may be a stream, if the client asks for one (stream.h) */
    bool interleaves; /* the answer has both streams in the order in which they came, too: execute_answer.both */
    /* On the loop, before the body is read: 0, or -1 with a sentence. NULL: every head is fine. */
    int (*check_head)(const struct http_exchange *ex, struct error *error);
    /* The body to a request, as execute_read() does for our own. Pure: it may run on a worker thread. `context` is
     * execute_as()'s. */
    int (*read)(const void *context, struct execution_request *request, char *text, size_t len,
                const struct execute_rules *rules, size_t *cost, struct error *error);
    /* The end to status, type and text of the answer, as execute_answer_encode() does for our own. Pure. */
    int (*encode)(const void *context, struct execute_answer *answer);
    /* The sentence for a language, or a version of it, that there is not; NULL: our own. */
    void (*unknown_language)(struct buf *sentence, const struct execution_request *request);
};

#endif
