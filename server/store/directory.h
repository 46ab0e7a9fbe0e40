/* The data directory: it is made on first use, holds the database's file, shows whether it has held a database before,
 * and has a lock. */
#ifndef CODECELL_STORE_DIRECTORY_H
#define CODECELL_STORE_DIRECTORY_H

#include "base/error.h"

#include <stdbool.h>

#define DIRECTORY_DATABASE "codecell.db"

/* Makes the directory (0700) if it is missing; its parent must exist. */
int directory_make(const char *data_dir, struct error *error);

/* data_dir/name, for the caller to free. NULL: out of memory. */
char *directory_path(const char *data_dir, const char *name);

/* Makes an empty file (0600) if it is missing. It does not open a file that exists, because closing that file would
 * drop the locks that SQLite has on it in this process. */
int directory_make_file(const char *path, struct error *error);

/* The file that shows that the directory has held a database: "instance", which directory_mark() makes, or a
 * write-ahead log that is not empty. NULL: there is none. Ask before you look at the database, because another program
 * may make a new one meanwhile. */
const char *directory_evidence(const char *data_dir);

bool directory_is_mark(const char *evidence); /* whether it is "instance" */

/* Writes the database's id to data_dir/instance if that file is missing. A failure is no error: the next program that
 * opens the database tries again. */
void directory_mark(const char *data_dir, const char *instance);

/* ERROR_INVALID: the database's file is missing or empty, although there is `evidence`. */
int directory_check(const char *data_dir, const char *evidence, struct error *error);

/* Sets ERROR_INVALID for a new database beside `evidence`. `what` says what the file is: "empty". Returns -1. */
int directory_refuse(const char *evidence, const char *what, struct error *error);

/* Takes the directory's lock (data_dir/lock, flock), so that one server at a time uses it. Makes the directory (0700)
 * if it is missing. A descriptor for the caller to close, or -1. ERROR_CONFLICT: another server has it. */
int directory_lock(const char *data_dir, struct error *error);

#endif
