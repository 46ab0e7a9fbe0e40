/* Whether a record can be written: the one question behind GET /ready, and behind accepting a program. */
#ifndef CODECELL_STORE_HEALTH_H
#define CODECELL_STORE_HEALTH_H

#include "store/db.h"

/* Writes a record in all its tables as if a program had run, and takes it back: the schema is what the statements need,
 * and the file may be written. Nothing of it reaches the disk. 0, or -1; *lacks_schema: a table or a column is
 * missing. Outside of a transaction. */
int health_try_record(struct db *db, bool *lacks_schema, struct error *error);

/* All of it: the file is in its place, a record can be written, and a commit finds room on the disk: a page, and with
 * `recovering` as many as a record may take, so that the next one isn't refused again. 0, or -1 with
 * ERROR_UNAVAILABLE. */
int health_probe(struct db *db, bool recovering, struct error *error);

#endif
