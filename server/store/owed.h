/* The ends of executions that could not be recorded when they came, until they can be: a list with caps. Its owner
 * guards it (store.c). */
#ifndef CODECELL_STORE_OWED_H
#define CODECELL_STORE_OWED_H

#include "base/list.h"
#include "store/records.h"

#include <stddef.h>

#define OWED_MAX 10000 /* records */
#define OWED_TEXT_MAX                                                                               \
    ((size_t)64 * 1024 * 1024) /* bytes of kept output; beyond it a record comes without its output \
                                */

struct owed_record {
    struct record record; /* with texts of its own */
    struct list node;
};

struct owed {
    struct list records; /* the oldest first */
    unsigned count;
    size_t text_len;
};

void owed_init(struct owed *owed);

/* Adds a copy. 0, or -1: the list is full, or out of memory. */
int owed_add(struct owed *owed, const struct record *record);

/* Takes the first record out, for the caller to free or to put back; NULL: there is none. */
struct owed_record *owed_take(struct owed *owed);
void owed_put_back(struct owed *owed, struct owed_record *first);
void owed_free(struct owed_record *one);

#endif
