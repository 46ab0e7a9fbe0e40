#include "run/backlog.h"

#include <assert.h>
#include <stdlib.h>

#define KEYS_FIRST 16u

void backlog_free(struct backlog *backlog)
{
    free(backlog->keys);
    *backlog = (struct backlog){.keys = NULL};
}

static struct backlog_key *backlog_find(struct backlog *backlog, int64_t key_row)
{
    for (size_t i = 0; i < backlog->count; i++)
        if (backlog->keys[i].key_row == key_row)
            return &backlog->keys[i];
    return NULL;
}

static struct backlog_key *backlog_new_key(struct backlog *backlog, int64_t key_row)
{
    if (backlog->count == backlog->room) {
        size_t room = backlog->room > 0 ? 2 * backlog->room : KEYS_FIRST;
        struct backlog_key *keys = reallocarray(backlog->keys, room, sizeof *keys);
        if (keys == NULL)
            return NULL;
        backlog->keys = keys;
        backlog->room = room;
    }
    struct backlog_key *key = &backlog->keys[backlog->count++];
    *key = (struct backlog_key){.key_row = key_row};
    return key;
}

int backlog_add(struct backlog *backlog, int64_t key_row)
{
    struct backlog_key *key = backlog_find(backlog, key_row);

    if (key == NULL)
        key = backlog_new_key(backlog, key_row);
    if (key == NULL)
        return -1;
    key->waits = true;
    return 0;
}

static bool comes_before(const struct backlog_key *a, const struct backlog_key *b)
{
    return a->in_hand != b->in_hand ? a->in_hand < b->in_hand : a->served < b->served;
}

int64_t backlog_next(struct backlog *backlog)
{
    struct backlog_key *next = NULL;

    for (size_t i = 0; i < backlog->count; i++) {
        struct backlog_key *key = &backlog->keys[i];
        if (key->waits && (next == NULL || comes_before(key, next)))
            next = key;
    }
    if (next == NULL)
        return 0;
    next->in_hand++;
    next->served = ++backlog->turns;
    return next->key_row;
}

void backlog_leave(struct backlog *backlog, int64_t key_row, bool empty)
{
    struct backlog_key *key = backlog_find(backlog, key_row);

    assert(key != NULL && key->in_hand > 0);
    key->in_hand--;
    if (empty)
        key->waits = false;
    if (!key->waits && key->in_hand == 0)
        *key = backlog->keys[--backlog->count];
}
