/* State machines, all in one shape: an enum, a table of legal moves and one setter for each kind of object.
 *
 *   static const struct states door_states = {
 *       .subject = "door",
 *       .names = (const char *const[]){"shut", "open"},
 *       .next = (const uint32_t[]){[SHUT] = STATE(OPEN), [OPEN] = STATE(SHUT)},
 *       .count = 2,
 *   };
 *   static void door_set_state(struct door *door, enum door_state state)
 *   {
 *       states_move(&door_states, door->state, state, door->name);
 *       door->state = state;
 *   }
 *
 * states_move() stops the server at an illegal move, and writes each legal one to the log at the level debug:
 *   event=state.moved subject=door id=front from=shut to=open */
#ifndef CODECELL_BASE_STATES_H
#define CODECELL_BASE_STATES_H

#include <stdbool.h>
#include <stdint.h>

#define STATE(state) (UINT32_C(1) << (state)) /* so an enum has at most 32 states */

struct states {
    const char *subject;      /* what is in a state */
    const char *const *names; /* by state */
    const uint32_t *next;     /* by state: the STATE() bits of the states that may follow it */
    unsigned count;           /* of states */
};

/* Whether `to` may follow `from`. The agent uses this function alone, because it has no log. */
static inline bool states_legal(const struct states *states, unsigned from, unsigned to)
{
    return from < states->count && to < states->count && (states->next[from] & STATE(to)) != 0;
}

/* `id`: which one of its kind; NULL: there is one alone. */
void states_move(const struct states *states, unsigned from, unsigned to, const char *id);

#endif
