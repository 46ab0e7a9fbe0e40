/* The request's `files`: paths and contents. */
#ifndef CODECELL_API_EXECUTE_FILES_H
#define CODECELL_API_EXECUTE_FILES_H

#include "run/execution.h"

/* Reads the array into request->files, contents decoded. 0, or -1 with ERROR_INVALID. */
int execute_files_read(struct execution_request *request, const json_t *array, struct error *error);

/* Whether files[i] came as utf8 rather than base64. */
bool execute_file_is_text(const struct execution_request *request, size_t i);

/* Relative, at most EXECUTE_PATH_MAX bytes, no empty, "." or ".." segment, none over 255 bytes. */
bool execute_path_is_safe(const char *path);

/* The same path, or one of them a folder of the other. */
bool execute_path_collides(const char *a, const char *b);

#endif
