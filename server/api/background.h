/* Runs what was accepted to run in the background (store/journal.h), as slots are free:
 *
 *   background_added ─ backlog ─ taken ─ run_start() ─ its end: record, result and credits in one transaction
 *                         ▲                  └ it can't run now (engine away, queue full, shutting down): put back
 *                         └──────────────────┘
 *
 * At the start it takes up what an earlier run of the server has left. On the loop's thread. */
#ifndef CODECELL_API_BACKGROUND_H
#define CODECELL_API_BACKGROUND_H

#include "base/ip.h"
#include "base/list.h"
#include "base/text.h"
#include "store/journal.h"

#include <stdbool.h>
#include <uv.h>

struct api;
struct background;

struct background_options {
    unsigned slots; /* executions in hand at once */
    struct journal_room room;
    bool keep_code;                      /* in records, as runner_options says */
    const struct ip_nets *webhook_allow; /* addresses that webhooks may reach though they are not public */
};

/* The api must be complete before the loop runs. 0, or -1. */
int background_open(struct background **out, uv_loop_t *loop, struct api *api, const struct background_options *options,
                    struct error *error);
const struct background_options *background_options(const struct background *background);

/* Takes no more, and lets those go that wait for an end. */
void background_drain(struct background *background);
void background_close(struct background *background); /* its handles; after the drain */
void background_free(struct background *background);  /* after the store is closed */

/* One of the key's was accepted. */
void background_added(struct background *background, int64_t key_row);

/* One was ended without a run: wakes who waits for it. */
void background_ended(struct background *background, const char *id);

/* Puts an execution back that was taken and does not run yet. */
void background_release(struct background *background, const char *id);

/* Waits for an end. wake() fires once, after its commit, or when the server drains. */
struct background_waiter {
    struct list node;
    char id[UUID_LEN + 1];
    void (*wake)(struct background_waiter *waiter);
};
void background_wait(struct background *background, struct background_waiter *waiter);
void background_unwait(struct background_waiter *waiter); /* one that was woken, too */

#endif
