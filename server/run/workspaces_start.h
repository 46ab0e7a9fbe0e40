/* The folder of stored files and the database are compared when the server starts: a file without a row is removed, and
 * a row whose file is missing is told. Files that were set aside (archive_file_set_aside) stay, and are told. */
#ifndef CODECELL_RUN_WORKSPACES_START_H
#define CODECELL_RUN_WORKSPACES_START_H

#include "base/error.h"

#include <stdint.h>

struct store;

/* `folder` must outlive the job. done(arg, bytes of all stored files) comes from the loop, unless the database fails,
 * which is logged. 0, or -1: out of memory. */
int workspaces_start(struct store *store, const char *folder, void (*done)(void *arg, int64_t stored), void *arg,
                     struct error *error);

#endif
