/* The job's files below the working folder. The agent checks their paths itself, even though the server has: no path
 * leaves the folder, follows a link, or overwrites a file. */
#ifndef CODECELL_AGENT_FILES_H
#define CODECELL_AGENT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILES_PATH_MAX 4096u
#define FILES_NAME_MAX 255u

/* Whether the path is relative, has no empty, "." or ".." segment, no NUL, and keeps to the lengths. */
bool files_path_ok(const char *path, size_t len);

/* A hash of the path's first segment. */
uint64_t files_name_hash(const char *path, size_t len);

/* Makes the path's folders below `folder`, and the file, which must not exist. Returns its descriptor, or -errno. */
int files_create(int folder, const char *path, uint32_t mode);

/* Writes all bytes. 0, or -errno. */
int files_write(int fd, const void *data, size_t len);

/* Deletes everything in `folder` except the entry `keep`, and closes `folder`. 0, or -1 with errno. */
int files_clear(int folder, const char *keep);

#endif
