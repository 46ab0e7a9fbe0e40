/* The ends of executions whose records could not be written when they ended, until they can be: an ordered list with
 * caps. Whoever has it guards it (store.c). */
#ifndef CODECELL_STORE_OWED_H
#define CODECELL_STORE_OWED_H

#include "store/records.h"

#include <stddef.h>

#define OWED_MAX 10000                           /* records */
#define OWED_TEXT_MAX ((size_t)64 * 1024 * 1024) /* bytes of kept output; past it records come without theirs */

struct owed_record {
    struct record record; /* with texts of its own */
    struct owed_record *next;
};

/* Zeroed: empty. */
struct owed {
    struct owed_record *head, *tail;
    unsigned count;
    size_t text_len;
};

/* Adds a copy. 0, or -1: full, or out of memory. */
int owed_add(struct owed *owed, const struct record *record);

/* The first, which is the caller's then; NULL: none. */
struct owed_record *owed_take(struct owed *owed);
void owed_put_back(struct owed *owed, struct owed_record *first);
void owed_free(struct owed_record *one);

#endif
