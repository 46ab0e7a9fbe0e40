/* One try to tell a webhook: a signed POST over libcurl. The address is checked when the socket is made, so a name that
 * resolves to another address the second time is checked, too. There are no redirects and no proxy. */
#ifndef CODECELL_RUN_WEBHOOK_H
#define CODECELL_RUN_WEBHOOK_H

#include "base/ip.h"
#include "store/webhooks.h"

#include <stdbool.h>
#include <uv.h>

#define WEBHOOK_SECONDS 10             /* for the whole try */
#define WEBHOOK_ANSWER_MAX (64u << 10) /* bytes of the answer's head and body */

struct webhook_client;
struct webhook_call;

/* `allowed` must outlive the client. NULL: out of memory. */
struct webhook_client *webhook_client_open(uv_loop_t *loop, const struct ip_nets *allowed);

/* Once every call is over or cancelled. It frees itself, and its handles, later. */
void webhook_client_close(struct webhook_client *client);

/* `why` NULL: the answer was 2xx. Else a sentence. The call is freed after it. */
typedef void webhook_done(void *arg, const char *why);

/* Takes `body`. NULL: out of memory, and done() will not fire. */
struct webhook_call *webhook_post(struct webhook_client *client, const struct webhook_row *row, char *body, size_t len,
                                  webhook_done *done, void *arg);
void webhook_cancel(struct webhook_call *call); /* done() will not fire */

#endif
