/* The queue of executions, fair between keys. Pure: no clock, no loop.
 *
 * The next slot goes to the key that has the fewest executions running; among equals to the key that was served longest
 * ago; within a key to the execution that came first. How many run at once:
 *
 * - A key that has something running gets another slot only if one slot of `concurrency` stays free: the reserve of the
 *   keys that have nothing running. So a lone key uses all slots except one. If there is one slot, the reserve is an
 * extra slot.
 * - A key that has nothing running may take the reserve. If the reserve is taken, the key gets an extra slot: one for
 * each program that has run for SCHEDULER_SHORT_NS, at most `extra` in all. So it waits no longer than a short program
 * takes, however long the other programs run. The reserve comes back as soon as anything ends.
 * - A key whose last programs ran long (SCHEDULER_TRUST) gets an extra slot of the first half alone. The second half is
 * for short programs, so that many keys with long programs do not hold all of them. The last SCHEDULER_REMEMBERED keys
 * that have nothing queued or running are remembered for this.
 *
 * At most `queue_max` executions wait. If the queue is full, a newcomer is refused, unless another key holds at least
 * two places more than the newcomer's key. Then that key's newest execution loses its place, so that no key can shut
 * others out. */
#ifndef CODECELL_RUN_SCHEDULER_H
#define CODECELL_RUN_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A program that has held its slot for this long is a long one. On a calm machine small programs of scripting languages
 * end within 0.1 s, and most compilers within this time. */
#define SCHEDULER_SHORT_NS 500000000u

/* After a long program a key counts as short again when this many programs in a row were short. */
#define SCHEDULER_TRUST 4u
#define SCHEDULER_REMEMBERED 256u

/* Keys that got slots within this time of each other share the server. */
#define SCHEDULER_SHARED_NS 60000000000u

struct turn; /* an execution that waits or runs */
struct turns_key;

struct scheduler_options {
    unsigned concurrency; /* programs at once */
    unsigned extra;       /* extra slots, for keys that have none running */
    unsigned queue_max;   /* executions that wait */
};

struct scheduler {
    struct scheduler_options options;
    unsigned queued, running;
    unsigned idle;                /* remembered keys: nothing queued or running */
    uint64_t served;              /* slots given so far: they number the order in which keys were served */
    int64_t latest;               /* the key that got the last slot */
    uint64_t shared_until_ns;     /* until then two keys share the server */
    struct turns_key *keys;       /* the keys that have something queued or running, and the remembered keys */
    struct turn *oldest, *newest; /* the ones that run, in the order in which they got their slots */
};

/* An execution in the scheduler; a member of struct execution. */
struct turn {
    int64_t key;
    bool is_running;
    uint64_t since_ns; /* when it got its slot */
    bool is_known;     /* scheduler_grown() has returned it */
    struct turns_key *of;
    struct turn *next, *prev; /* in its key's queue, or among all that run */
};

void scheduler_init(struct scheduler *scheduler, const struct scheduler_options *options);
void scheduler_free(struct scheduler *scheduler); /* nothing may wait or run any more */

enum scheduler_verdict { SCHEDULER_ACCEPTED, SCHEDULER_FULL, SCHEDULER_NO_MEMORY };

/* Puts `turn` into the queue. `*evicted`: the one that lost its place to it (it is out of the queue already), else
 * NULL. */
enum scheduler_verdict scheduler_push(struct scheduler *scheduler, struct turn *turn, int64_t key, uint64_t now_ns,
                                      struct turn **evicted);

/* The next execution to run, which counts as running now; NULL: none waits, or none may run. `now_ns` never goes
 * backwards. */
struct turn *scheduler_next(struct scheduler *scheduler, uint64_t now_ns);

/* The next time at which a queued execution may get a slot although nothing ends; 0: never. */
uint64_t scheduler_when(const struct scheduler *scheduler, uint64_t now_ns);

/* A turn whose program has become a long one and that was not returned yet; NULL: none. */
struct turn *scheduler_grown(struct scheduler *scheduler, uint64_t now_ns);
uint64_t scheduler_grows(const struct scheduler *scheduler); /* when it will return one; 0: never */

/* Takes a turn out: it was queued and is given up, or it ran and has ended. */
void scheduler_leave(struct scheduler *scheduler, struct turn *turn, uint64_t now_ns);

/* How many executions of its key run, itself included; 1 while no other key shares the server. */
unsigned scheduler_rank(const struct scheduler *scheduler, const struct turn *turn);

#endif
