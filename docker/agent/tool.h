/* The agent's program as a tool for files. As the program of a job (docker/wire/frame.h), with the arguments
 * "files OPERATION ...", it does one operation on the working folder and ends with an exit code of enum file_exit. It
 * is not process 1 then: it runs under the same filter and limits as any program, with standard input and output as
 * pipes, and it can do nothing that a program of the user could not do itself.
 *
 *   collect MAX_BYTES MAX_FILES SKIP_COUNT SKIP... PATTERN...      tool_collect.h
 *   list PATH DEPTH AFTER MOST                                     tool_list.h
 *   read PATH OFFSET LENGTH                                        tool_read.h
 *   write CONDITION                                                tool_write.h
 *   remove PATH CONDITION                                          tool_remove.h
 *   pack MAX_BYTES MAX_ENTRIES                                     tool_pack.h
 *   unpack [here]                                                  tool_unpack.h
 *
 * It parses nothing but its arguments and, on standard input, entries (docker/wire/entry.h). */
#ifndef CODECELL_AGENT_TOOL_H
#define CODECELL_AGENT_TOOL_H

#include "docker/wire/entry.h"

#include <stdbool.h>
#include <stdint.h>

#define TOOL_WORD "files"

struct tool {
    int folder; /* the working folder */
    int args;   /* of the operation */
    char **arg;
};

/* Whether these arguments of main() mean the tool. */
bool tool_is_meant(int argc, char **argv);

/* Does what the arguments say. Returns the exit code. */
int tool_main(int argc, char **argv);

/* For the operations. */

/* A decimal number that is at most `max`. False: the argument is something else. */
bool tool_number(const char *arg, uint64_t max, uint64_t *out);

/* Opens what lies at `path` below the folder. It follows no link, wherever it leads; O_NOFOLLOW is implied. Returns a
 * descriptor, or -errno: ELOOP if there is a link on the way. */
int tool_open(int folder, const char *path, int flags);

/* What an operation that fails with this errno ends with. */
enum file_exit tool_exit(int error);

#endif
