/* Whether a record can be written. GET /ready and the acceptance of a program depend on it. */
#ifndef CODECELL_STORE_HEALTH_H
#define CODECELL_STORE_HEALTH_H

#include "store/db.h"

/* Writes a record in all its tables as if a program had run, and rolls it back: the schema is what the statements need,
 * and the file may be written. Nothing of it reaches the disk. 0, or -1; *lacks_schema: a table or a column is missing.
 * Outside of a transaction. */
int health_try_record(struct db *db, bool *lacks_schema, struct error *error);

/* The whole check: the file is in its place, a record can be written, and a commit finds room on the disk. The room is
 * a page; with `recovering` it is as many pages as a record may take, so that the next record does not fail again. 0,
 * or -1 with ERROR_UNAVAILABLE. */
int health_check(struct db *db, bool recovering, struct error *error);

#endif
