/* The paths of files in a cell, in frames and entries: relative to the working folder, and never out of it. */
#ifndef CODECELL_DOCKER_WIRE_PATH_H
#define CODECELL_DOCKER_WIRE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define WIRE_PATH_MAX 4096u /* bytes */
#define WIRE_NAME_MAX 255u  /* bytes of each segment */

/* Whether the path is relative, has no empty, "." or ".." segment, no NUL, and keeps to the lengths. */
bool wire_path_ok(const char *path, size_t len);

/* The order in which files are listed: a folder before what is in it, and names by their bytes. Less than, equal to or
 * greater than 0. */
int wire_path_compare(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
