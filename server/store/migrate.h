/* Brings a database to this program's schema. */
#ifndef CODECELL_STORE_MIGRATE_H
#define CODECELL_STORE_MIGRATE_H

#include "base/error.h"
#include "store/migrations.h"

#include <sqlite3.h>

#define MIGRATE_APPLICATION_ID 0x4343656c /* "CCel", in the file's header */

/* 0 where the file is empty (*empty, may be NULL), or ours and of no newer schema than `steps` end with; changes
 * nothing. */
int migrate_check(sqlite3 *handle, const struct migration *steps, bool *empty, struct error *error);

/* Applies the steps that are missing, in one transaction: after a failure the file is as it was. Waits for
 * another program that does the same. */
int migrate_apply(sqlite3 *handle, const struct migration *steps, struct error *error);

#endif
