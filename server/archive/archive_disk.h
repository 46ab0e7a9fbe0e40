/* Files of this part on the disk. All of it blocks, for worker threads. */
#ifndef CODECELL_ARCHIVE_DISK_H
#define CODECELL_ARCHIVE_DISK_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* A new file without a name in this folder, to write and read. Its descriptor, or -1 with errno. */
int archive_disk_unnamed(const char *folder);

/* Writes all. 0, or -1 with errno. */
int archive_disk_write(int fd, const void *data, size_t len);

/* Reads until `len` bytes are there or the file ends. The number, or -1 with errno. */
long archive_disk_read(int fd, void *out, size_t len, uint64_t at);

/* Gives a complete file its name, in place of what has it, and waits until both are on the disk. 0, or -1 with errno.
 */
int archive_disk_commit(int fd, const char *from, const char *to);

/* The folder of a path, for the caller to free; "." if it names none. NULL: out of memory. */
char *archive_disk_folder(const char *path);

/* Sets the error of a failed call by errno: ERROR_UNAVAILABLE or ERROR_MEMORY. Returns -1. */
int archive_disk_error(struct error *error);

#endif
