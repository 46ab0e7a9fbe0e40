/* Whose webhook is tried next, so that hosts that answer slowly hold up their own key alone. Pure. */
#ifndef CODECELL_RUN_WEBHOOK_TURNS_H
#define CODECELL_RUN_WEBHOOK_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBHOOK_TURNS_MAX 16   /* tries under way */
#define WEBHOOK_TURNS_OF_KEY 4 /* of one key */

struct webhook_turns {
    int64_t keys[WEBHOOK_TURNS_MAX]; /* of the tries under way, in any order */
    size_t count;
};

bool webhook_turns_full(const struct webhook_turns *turns);
bool webhook_turns_may(const struct webhook_turns *turns, int64_t key_row);
void webhook_turns_begin(struct webhook_turns *turns, int64_t key_row);
void webhook_turns_end(struct webhook_turns *turns, int64_t key_row);

#endif
