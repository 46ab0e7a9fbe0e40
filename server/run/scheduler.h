/* Whose turn is it: the queue of executions, fair between keys. Pure: no clock, no loop.
 *
 * At most `concurrency` run at once. The next one is of the key that has the fewest running; between equals, of the
 * key that was served longest ago; within a key, first come, first served. At most `queue_max` wait. Where the queue
 * is full, a newcomer is refused, unless another key holds at least two places more than the newcomer's key: then
 * that key's newest has to go instead, so that nobody can shut others out. */
#ifndef CODECELL_RUN_SCHEDULER_H
#define CODECELL_RUN_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct turn; /* one that waits or runs */
struct turns_key;

struct scheduler {
    unsigned concurrency, queue_max;
    unsigned waiting, running;
    uint64_t served;        /* turns given so far: the order in which keys were served */
    struct turns_key *keys; /* those that have something waiting or running */
};

/* Embedded in the execution. */
struct turn {
    int64_t key;
    bool is_running;
    struct turns_key *of;
    struct turn *next, *prev; /* among the key's waiting ones */
};

void scheduler_init(struct scheduler *scheduler, unsigned concurrency, unsigned queue_max);
void scheduler_free(struct scheduler *scheduler); /* with nothing waiting or running */

enum scheduler_verdict { SCHEDULER_ACCEPTED, SCHEDULER_FULL, SCHEDULER_NO_MEMORY };

/* Puts `turn` in line. `evicted`: the one that lost its place for it (already taken out of line), else NULL. */
enum scheduler_verdict scheduler_push(struct scheduler *scheduler, struct turn *turn, int64_t key,
                                      struct turn **evicted);

/* The next to run, now counted as running; NULL: nobody waits, or enough run. */
struct turn *scheduler_next(struct scheduler *scheduler);

/* It leaves: it waits no more, or runs no more. */
void scheduler_leave(struct scheduler *scheduler, struct turn *turn);

#endif
