/* The driver for SQLite: a file with a write-ahead log beside it. */
#ifndef CODECELL_STORE_DRIVER_SQLITE_H
#define CODECELL_STORE_DRIVER_SQLITE_H

#include "store/driver.h"

#define DRIVER_SQLITE_PATIENCE_MS 5000
#define DRIVER_SQLITE_APPLICATION_ID 0x4343656c /* "CCel", in the file's header */

extern const struct driver_calls driver_sqlite;

/* What a result code of SQLite means (driver.h). Returns -1. */
int driver_sqlite_error(struct error *error, int result);

/* The connection, for tests that ask SQLite itself. */
struct sqlite3 *driver_sqlite_handle(const struct driver *driver);

#endif
