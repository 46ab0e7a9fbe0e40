/* Which jobs the database's thread runs next. Jobs wait in three lines:
 *
 *   first    short jobs that requests wait for, of all keys, in the order in which they came. As many as share a
 *            transaction are one turn
 *   reading  one job a turn. The keys that wait take turns, so that one key's lists delay another key by one job only
 *   upkeep   one slice a turn, then a rest of UPKEEP_REST times the slice's length
 *
 * The lines that have jobs take turns, so that a job of the first line waits for one reading job and one slice at most.
 * This is pure; store.c guards it with its mutex. */
#ifndef CODECELL_STORE_TURNS_H
#define CODECELL_STORE_TURNS_H

#include "store/store.h"

#define UPKEEP_REST 2u

enum turn { TURN_NONE, TURN_FIRST, TURN_READING, TURN_UPKEEP };

struct turns {
    struct list first, upkeep; /* struct store_job's node */
    struct list readers;       /* of each key that waits the first job, which lists the key's others (`later`) */
    enum turn last;
    uint64_t upkeep_ns; /* when upkeep's rest is over */
};

void turns_init(struct turns *turns);
void turns_add(struct turns *turns, struct store_job *job);

/* TURN_NONE: no job waits, or only upkeep that rests (until upkeep_ns). `closing`: upkeep does not rest. */
enum turn turns_next(const struct turns *turns, uint64_t now_ns, bool closing);

/* The next job of a line that turns_next() named; NULL: there is none left. */
struct store_job *turns_take(struct turns *turns, enum turn turn);

/* A slice of upkeep took this long. */
void turns_rest(struct turns *turns, uint64_t from_ns, uint64_t to_ns);

#endif
