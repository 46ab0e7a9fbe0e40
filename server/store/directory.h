/* The data directory: made on first use, the database's file in it, and what tells that there was one. */
#ifndef CODECELL_STORE_DIRECTORY_H
#define CODECELL_STORE_DIRECTORY_H

#include "base/error.h"

#include <stdbool.h>

#define DIRECTORY_DATABASE "codecell.db"

/* Makes the directory (0700) where it is missing; its parent must be there. */
int directory_make(const char *data_dir, struct error *error);

/* data_dir/name; to be freed. NULL without memory. */
char *directory_path(const char *data_dir, const char *name);

/* Makes an empty file (0600) where there is none. One that is there is not opened: closing it would drop the
 * locks that SQLite holds on it in this process. */
int directory_make_file(const char *path, struct error *error);

/* What in the directory says that it has held a database: "instance", which directory_mark makes, or a write-ahead log
 * that is not empty. NULL: nothing does. To be asked before the database is looked at: another program may be making
 * it. */
const char *directory_evidence(const char *data_dir);

bool directory_is_mark(const char *evidence); /* it is the former; false for NULL */

/* Notes the database's id in data_dir/instance, where there is no such file. One that can't be made is no error: the
 * next program that opens the database makes it. */
void directory_mark(const char *data_dir, const char *instance);

/* 0 where the database's file is there and not empty, or where there is no `evidence`; else ERROR_INVALID. */
int directory_check(const char *data_dir, const char *evidence, struct error *error);

/* ERROR_INVALID: a database that is new beside `evidence`. Returns -1. */
int directory_refuse(const char *evidence, const char *what, struct error *error);

/* Makes the data directory (0700) if it is missing, and takes its lock (data_dir/lock, flock): one server at a time. A
 * descriptor to close, or -1. */
int directory_lock(const char *data_dir, struct error *error);

#endif
