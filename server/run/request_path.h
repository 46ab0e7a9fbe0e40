/* The paths of a request's files. */
#ifndef CODECELL_RUN_REQUEST_PATH_H
#define CODECELL_RUN_REQUEST_PATH_H

#include <stdbool.h>

#define REQUEST_PATH_MAX 1024 /* bytes of a path */
#define REQUEST_NAME_MAX 255  /* bytes of each of its segments */

/* Whether the path is relative and short enough, and has no segment that is empty, "." or "..". */
bool request_path_is_safe(const char *path);

/* Whether both are the same path, or one of them is a folder of the other. */
bool request_path_collides(const char *a, const char *b);

#endif
