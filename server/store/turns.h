/* Which jobs the database's thread runs next. Jobs wait in three lines:
 *
 *   first    short jobs that requests wait for, of all keys, in the order in which they came. As many as share a
 *            transaction are one turn
 *   reading  one job a turn. The keys that wait take turns, so that one key's lists delay another key by one job and
 *            its rest: while several keys ask (pace.h), the line rests READING_REST_SHARED times as long as it worked
 *   upkeep   one slice a turn. Then the line rests UPKEEP_REST times as long as it worked, or UPKEEP_REST_SHARED
 *            times while several keys ask, because upkeep takes a processor from their programs
 *
 * The lines that have jobs and do not rest take turns, so that a job of the first line waits for one reading job and
 * one slice at most. This is pure; store.c guards it with its mutex. */
#ifndef CODECELL_STORE_TURNS_H
#define CODECELL_STORE_TURNS_H

#include "store/store.h"

#define UPKEEP_REST 2u
#define UPKEEP_REST_SHARED 9u
#define READING_REST_SHARED 2u
#define UPKEEP_REST_MAX_NS UINT64_C(100000000) /* even if the turn waited for another program's lock */
#define READING_REST_MAX_NS UINT64_C(20000000)

enum turn { TURN_NONE, TURN_FIRST, TURN_READING, TURN_UPKEEP };

struct turns {
    struct list first, upkeep; /* struct store_job's node */
    struct list readers;       /* of each key that waits the first job, which lists the key's others (`later`) */
    enum turn last;
    uint64_t upkeep_ns, reading_ns; /* when these lines' rests are over */
};

void turns_init(struct turns *turns);
void turns_add(struct turns *turns, struct store_job *job);

/* TURN_NONE: no job waits, except in lines that rest. `closing`: no line rests. */
enum turn turns_next(const struct turns *turns, uint64_t now_ns, bool closing);

/* The next job of a line that turns_next() named; NULL: there is none left. */
struct store_job *turns_take(struct turns *turns, enum turn turn);

/* When the first of the lines that rest and have jobs may have its turn; UINT64_MAX: there is none. */
uint64_t turns_due(const struct turns *turns);

/* A turn took this long. `shared`: several keys ask. */
void turns_rest(struct turns *turns, enum turn turn, uint64_t from_ns, uint64_t to_ns, bool shared);

#endif
