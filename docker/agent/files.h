/* The job's files, written below the working folder. Names are checked here once more, whatever the
 * server has checked: nothing climbs, nothing follows a link, nothing is overwritten. */
#ifndef CODECELL_AGENT_FILES_H
#define CODECELL_AGENT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILES_PATH_MAX 4096u
#define FILES_NAME_MAX 255u

/* Relative, no empty, "." or ".." segment, no NUL, within the lengths. */
bool files_path_ok(const char *path, size_t len);

/* A number for the path's first name: the same for the same one. */
uint64_t files_name_hash(const char *path, size_t len);

/* Makes the path's folders below `folder` and the file, which must not exist. Its descriptor, or -errno. */
int files_create(int folder, const char *path, uint32_t mode);

/* Writes all of it. 0, or -errno. */
int files_write(int fd, const void *data, size_t len);

/* Deletes everything in `folder` but the entry `keep`, and closes it. 0, or -1 with errno. */
int files_clear(int folder, const char *keep);

#endif
