/* Whose turn it is on the database's thread. Three lines wait:
 *
 *   first    short things that requests wait for, of all keys, in the order in which they came: as many as share a
 *            transaction are one turn
 *   reading  a job a turn; the keys that wait take turns, so that one key's lists cost another key's no more than one
 *            of them
 *   upkeep   a slice a turn, and then a rest of UPKEEP_REST times as long as it took
 *
 * The lines that have something take turns: what stands first waits for one reading job and one slice at most.
 * Pure; whoever has it guards it (store.c). */
#ifndef CODECELL_STORE_TURNS_H
#define CODECELL_STORE_TURNS_H

#include "store/store.h"

#define UPKEEP_REST 2u

enum turn { TURN_NONE, TURN_FIRST, TURN_READING, TURN_UPKEEP };

/* Zeroed: empty. */
struct job_list {
    struct store_job *head, *tail;
};

void job_list_add(struct job_list *list, struct store_job *job);
struct store_job *job_list_take(struct job_list *list);           /* the first; NULL: none */
void job_list_join(struct job_list *list, struct job_list *more); /* `more` is empty then */

/* Zeroed: nobody waits. */
struct turns {
    struct job_list first, upkeep;
    struct job_list readers; /* of each key that waits its first job, which holds the others */
    enum turn last;
    uint64_t upkeep_ns; /* when upkeep's rest is over */
};

void turns_add(struct turns *turns, struct store_job *job);

/* TURN_NONE: nobody waits, or only upkeep that rests (until upkeep_ns). `closing`: upkeep rests no more. */
enum turn turns_next(const struct turns *turns, uint64_t now_ns, bool closing);

/* A job of this line, which turns_next named. */
struct store_job *turns_take(struct turns *turns, enum turn turn);

/* A slice of upkeep took this long. */
void turns_rest(struct turns *turns, uint64_t from_ns, uint64_t to_ns);

bool turns_empty(const struct turns *turns);

#endif
