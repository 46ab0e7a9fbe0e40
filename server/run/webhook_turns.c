#include "run/webhook_turns.h"

#include <assert.h>

bool webhook_turns_full(const struct webhook_turns *turns)
{
    return turns->count == WEBHOOK_TURNS_MAX;
}

bool webhook_turns_may(const struct webhook_turns *turns, int64_t key_row)
{
    size_t held = 0;

    for (size_t i = 0; i < turns->count; i++)
        held += turns->keys[i] == key_row;
    return !webhook_turns_full(turns) && held < WEBHOOK_TURNS_OF_KEY;
}

void webhook_turns_begin(struct webhook_turns *turns, int64_t key_row)
{
    assert(webhook_turns_may(turns, key_row));
    turns->keys[turns->count++] = key_row;
}

void webhook_turns_end(struct webhook_turns *turns, int64_t key_row)
{
    size_t i = 0;

    while (i < turns->count && turns->keys[i] != key_row)
        i++;
    assert(i < turns->count);
    turns->keys[i] = turns->keys[--turns->count];
}
