/* The data directory: made on first use, and the database's file in it. */
#ifndef CODECELL_STORE_DIRECTORY_H
#define CODECELL_STORE_DIRECTORY_H

#include "base/error.h"

/* Makes the directory (0700) where it is missing; its parent must be there. */
int directory_make(const char *data_dir, struct error *error);

/* data_dir/name; to be freed. NULL without memory. */
char *directory_path(const char *data_dir, const char *name);

/* Makes an empty file (0600) where there is none. One that is there is not opened: closing it would drop the
 * locks that SQLite holds on it in this process. */
int directory_make_file(const char *path, struct error *error);

#endif
