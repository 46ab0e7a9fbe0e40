/* The executions of all keys, for an operator: what became of them, and never their code, input or output. For the
 * database's thread. */
#ifndef CODECELL_STORE_RECORD_SEARCH_H
#define CODECELL_STORE_RECORD_SEARCH_H

#include "store/keys.h"
#include "store/records.h"

#define RECORD_SEARCH_PREFIX_MIN 4 /* characters of an id */

struct record_search {
    const char *key_id, *session_id, *language, *id_prefix; /* NULL: any. id_prefix: lower case */
    int status;                                             /* enum record_status; -1: any */
    int64_t before;                                         /* only smaller sequences; 0: from the newest */
    unsigned limit;                                         /* 1 to 200 */
    unsigned given;                                         /* how many were passed to each(); 0 at first */
};

/* Whose execution it is. */
struct record_owner {
    char id[KEY_PUBLIC_LEN + 1];
    char name[KEY_NAME_MAX + 1];
};

/* As records_list(). The record has no texts (code, out and err are NULL). A key_id that no key has finds nothing. */
int records_search(struct db *db, struct record_search *search,
                   void (*each)(const struct record *record, const struct record_owner *owner, void *arg), void *arg,
                   bool *more, struct error *error);

/* Whose key has this row. 1, 0: there is none, or -1. */
int record_owner_of(struct db *db, int64_t key_row, struct record_owner *out, struct error *error);

#endif
