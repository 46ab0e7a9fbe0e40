/* The job's files below the working folder. The agent checks their paths itself (docker/wire/path.h), even though the
 * server has: no path leaves the folder, follows a link, or overwrites a file of the same job. */
#ifndef CODECELL_AGENT_FILES_H
#define CODECELL_AGENT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A hash of the path's first segment. */
uint64_t files_name_hash(const char *path, size_t len);

/* Makes the path's folders below `folder`, and the file, which must not exist unless it `replaces` another file or
 * link. Returns its descriptor, or -errno. */
int files_create(int folder, const char *path, uint32_t mode, bool replaces);

/* Writes all bytes. 0, or -errno. */
int files_write(int fd, const void *data, size_t len);

/* Deletes everything in `folder` except the entry `keep`, and closes `folder`. 0, or -1 with errno. */
int files_clear(int folder, const char *keep);

#endif
