/* Whose turn is it: the queue of executions, fair between keys. Pure: no clock, no loop.
 *
 * The next one is of the key that has the fewest running; between equals, of the key that was served longest ago;
 * within a key, first come, first served. How many run at once:
 *
 * - A key that has something running gets another turn only while one slot of `concurrency` is left free after it:
 *   the reserve of the keys that have nothing running. So a lone key uses all slots but one. Where there is one slot,
 *   the reserve is an extra one.
 * - A key that has nothing running may take the reserve. Where that is taken too, it gets an extra slot, one for each
 *   program that has run for SCHEDULER_SHORT_NS, at most `extra` in all. So it waits no longer than a short
 *   program takes, however long those that run go on. The reserve comes back as soon as anything ends.
 * - A key whose programs run long lately (SCHEDULER_TRUST) gets one of the first half of the extra slots alone: the
 *   others are for short programs, so many keys with long ones do not hold them all. Of the keys that have nothing in
 *   hand SCHEDULER_REMEMBERED are remembered, those that were there last.
 *
 * At most `queue_max` wait. Where the queue is full, a newcomer is refused, unless another key holds at least two
 * places more than the newcomer's key: then that key's newest has to go instead, so that nobody can shut others out. */
#ifndef CODECELL_RUN_SCHEDULER_H
#define CODECELL_RUN_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A turn that has lasted this long is a long one. Small programs of scripting languages end within 0.1 s on a calm
 * machine, most compilers have ended by then. */
#define SCHEDULER_SHORT_NS 500000000u

/* Short programs in a row, from the turn to its end, that a key has to show after a long one. */
#define SCHEDULER_TRUST 4u
#define SCHEDULER_REMEMBERED 256u

struct turn; /* one that waits or runs */
struct turns_key;

struct scheduler_options {
    unsigned concurrency; /* programs at once */
    unsigned extra;       /* and beyond, of keys that have none running */
    unsigned queue_max;   /* executions that wait */
};

struct scheduler {
    struct scheduler_options options;
    unsigned waiting, running;
    unsigned idle;                /* keys that are remembered and have nothing in hand */
    uint64_t served;              /* turns given so far: the order in which keys were served */
    struct turns_key *keys;       /* those that have something waiting or running, and the remembered */
    struct turn *oldest, *newest; /* that run, in the order of their beginning */
};

/* Embedded in the execution. */
struct turn {
    int64_t key;
    bool is_running;
    uint64_t since_ns; /* it runs since */
    struct turns_key *of;
    struct turn *next, *prev; /* among the key's waiting ones, or among all that run */
};

void scheduler_init(struct scheduler *scheduler, const struct scheduler_options *options);
void scheduler_free(struct scheduler *scheduler); /* with nothing waiting or running */

enum scheduler_verdict { SCHEDULER_ACCEPTED, SCHEDULER_FULL, SCHEDULER_NO_MEMORY };

/* Puts `turn` in line. `evicted`: the one that lost its place for it (already taken out of line), else NULL. */
enum scheduler_verdict scheduler_push(struct scheduler *scheduler, struct turn *turn, int64_t key, uint64_t now_ns,
                                      struct turn **evicted);

/* The next to run, now counted as running; NULL: nobody may, or nobody waits. `now_ns` never goes backwards. */
struct turn *scheduler_next(struct scheduler *scheduler, uint64_t now_ns);

/* When time alone may give somebody a turn; 0: never. */
uint64_t scheduler_when(const struct scheduler *scheduler, uint64_t now_ns);

/* It leaves: it waits no more, or runs no more. */
void scheduler_leave(struct scheduler *scheduler, struct turn *turn, uint64_t now_ns);

/* How many of its key's run, itself among them. */
unsigned scheduler_beside(const struct turn *turn);

#endif
