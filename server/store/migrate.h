/* Brings a database to this program's schema. */
#ifndef CODECELL_STORE_MIGRATE_H
#define CODECELL_STORE_MIGRATE_H

#include "store/driver.h"
#include "store/migrations.h"

/* 0: the database is empty (*empty, which may be NULL), or it is Codecell's and `steps` knows its schema. Changes
 * nothing. */
int migrate_check(struct driver *driver, const struct migration *steps, bool *empty, struct error *error);

/* Applies the missing steps in one transaction, so that after a failure the database is as it was. Waits for another
 * program that does the same. */
int migrate_apply(struct driver *driver, const struct migration *steps, struct error *error);

#endif
