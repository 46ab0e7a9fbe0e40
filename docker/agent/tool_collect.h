/* Brings files out of the working folder:
 *
 *   collect MAX_BYTES MAX_FILES SKIP_COUNT SKIP... PATTERN...
 *
 * Writes an entry for each regular file that matches one of the patterns (glob.h) and is neither a SKIP nor below one,
 * in the order of their paths, byte by byte. Links are not followed, neither to files nor to folders.
 *
 * A file comes with its content if MAX_BYTES and MAX_FILES allow it after the files before it, else as ENTRY_OVER or,
 * if its mode forbids to read it, ENTRY_UNREADABLE. Of what is over MAX_FILES, the first COLLECT_OVER files come so,
 * and the others are only counted: the upper half of the end's marks is their number. Bit N of the lower half is set if
 * pattern N matched a file. The exit code is FILE_DONE also if nothing matches.
 *
 * What is in folders below COLLECT_DEPTH others is not found. Time is linear in the number of files, and memory does
 * not depend on it. */
#ifndef CODECELL_AGENT_TOOL_COLLECT_H
#define CODECELL_AGENT_TOOL_COLLECT_H

#include "docker/agent/tool.h"

#define COLLECT_FILES_MAX 128u
#define COLLECT_OVER 16u
#define COLLECT_PATTERNS_MAX 32u
#define COLLECT_SKIPS_MAX 32u
#define COLLECT_DEPTH 64u

enum file_exit tool_collect(const struct tool *tool);

#endif
