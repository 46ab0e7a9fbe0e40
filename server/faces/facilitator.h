/* The facilitator: the service that checks x402 payments and carries them out, over libcurl on the loop. It may be
 * slow, answer anything or not at all, so each question has a deadline and a most for its answer. Redirects are not
 * followed. */
#ifndef CODECELL_FACES_FACILITATOR_H
#define CODECELL_FACES_FACILITATOR_H

#include "base/error.h"

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

#define FACILITATOR_ANSWER_MAX ((size_t)64 << 10) /* bytes */
#define FACILITATOR_CALLS_MAX 256u                /* at once; more are refused */
#define FACILITATOR_URL_MAX 1000

struct facilitator;
struct facilitator_call;

/* `status`: of HTTP; 0: there was no whole answer in time. `answer` is borrowed; NULL: it is not JSON. */
typedef void facilitator_done(void *arg, int status, const json_t *answer);

/* `url`: of http or https; paths are added to it. ERROR_INVALID: it is not such a URL. */
int facilitator_open(struct facilitator **out, uv_loop_t *loop, const char *url, struct error *error);
/* There must be no call any more. It is freed later, on the loop. */
void facilitator_close(struct facilitator *facilitator);

/* POSTs `body` to a path ("/verify"). `done` fires once, later. NULL: the question could not be sent, and `done` will
 * not fire. */
struct facilitator_call *facilitator_ask(struct facilitator *facilitator, const char *path, const json_t *body,
                                         uint64_t deadline_ms, facilitator_done *done, void *arg);
void facilitator_cancel(
    struct facilitator_call *call); /* `done` will not fire; the facilitator may do it all the same */

#endif
