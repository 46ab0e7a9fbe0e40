/* Whose accepted execution is taken next (store/journal.h). Only keys are known here, because the executions lie in the
 * database. The next key is the one that has the fewest in hand. Between equals it is the one that was served longest
 * ago. Pure. */
#ifndef CODECELL_RUN_BACKLOG_H
#define CODECELL_RUN_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backlog_key {
    int64_t key_row;
    uint64_t served; /* the number of its last turn */
    unsigned in_hand;
    bool waits; /* it may have executions that wait */
};

/* All zero at first. A key that has nothing is not in it. */
struct backlog {
    struct backlog_key *keys;
    size_t count, room;
    uint64_t turns;
};

void backlog_free(struct backlog *backlog);

/* The key has one that waits. 0, or -1 out of memory. */
int backlog_add(struct backlog *backlog, int64_t key_row);

/* The next key, whose execution counts as in hand from now on; 0: none waits. */
int64_t backlog_next(struct backlog *backlog);

/* What backlog_next() has given is not in hand any more. `empty`: the key had none. */
void backlog_leave(struct backlog *backlog, int64_t key_row, bool empty);

#endif
