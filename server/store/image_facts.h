/* What a language's image says of its versions and packages, stored under the image's id so that one cell is enough to
 * find it out. `facts` is JSON text. All functions are for the database's thread. */
#ifndef CODECELL_STORE_IMAGE_FACTS_H
#define CODECELL_STORE_IMAGE_FACTS_H

#include "store/db.h"

#define STORED_FACTS_MAX 16 /* of a language: the newest ones */

/* *facts is the caller's to free; NULL: none are stored. */
int stored_facts_get(struct db *db, const char *language, const char *fingerprint, char **facts, struct error *error);

int stored_facts_put(struct db *db, const char *language, const char *fingerprint, const char *facts,
                     struct error *error);

#endif
