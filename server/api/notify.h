/* Tells webhooks (store/webhooks.h) that their executions are done: takes those that are due, posts the execution as
 * clients see it (accepted.h), and writes how it went. On the loop's thread. */
#ifndef CODECELL_API_NOTIFY_H
#define CODECELL_API_NOTIFY_H

#include "base/ip.h"

#include <uv.h>

struct api;
struct notify;

/* `allowed`: addresses that may be reached though they are not public. 0, or -1 out of memory. */
int notify_open(struct notify **out, uv_loop_t *loop, struct api *api, const struct ip_nets *allowed);

/* One may be due. */
void notify_wake(struct notify *notify);

/* Ends what is under way, which is tried again after the next start, and closes the handles. */
void notify_close(struct notify *notify);
void notify_free(struct notify *notify); /* after the store is closed */

#endif
