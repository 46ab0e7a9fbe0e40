/* What the tool's operations use to change files: a folder beside the working folder, in which things are made before
 * they get their place, and from which they vanish. The rest is safe ways to places below the working folder. */
#ifndef CODECELL_AGENT_TOOL_PLACE_H
#define CODECELL_AGENT_TOOL_PLACE_H

#include "docker/wire/entry.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define TOOL_STAGING "/tmp/.codecell-files"

/* Opens what lies at `path` below the folder. It follows links that stay in the folder. Returns a descriptor, or
 * -errno: EXDEV if a link leads outside. */
int tool_place_open(int folder, const char *path, int flags);

/* Opens the folder that holds `path`, which is to be in it as *name. Returns a descriptor, or -errno. `make`: folders
 * that are missing are made. */
int tool_place_parent(int folder, const char *path, bool make, const char **name);

/* Makes the staging folder anew, empty. A descriptor, or -errno. */
int tool_place_stage(void);

/* Removes it with all that is in it, and closes the descriptor. */
void tool_place_unstage(int staging);

/* The content of the current entry of standard input, written to a new file. Pages of zeros become holes. */
enum file_exit tool_place_content(int fd);

/* An errno of a change: as tool_exit(), except that a file that is larger than the whole folder has no space. */
enum file_exit tool_place_exit(int error);

/* The entry of what lies somewhere. Its names are the caller's. */
struct entry tool_place_entry(const struct stat *status, const char *path, size_t len);

/* The modification time. */
int64_t tool_place_mtime(const struct stat *status);

#endif
