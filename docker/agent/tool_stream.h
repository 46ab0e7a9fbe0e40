/* The entries that the tool writes to its standard output (docker/wire/entry.h). What is written is gathered, so that
 * many small entries are one write. If standard output cannot be written to, the tool ends. */
#ifndef CODECELL_AGENT_TOOL_STREAM_H
#define CODECELL_AGENT_TOOL_STREAM_H

#include "docker/wire/entry.h"

#include <stdint.h>

/* An entry alone. After one with ENTRY_BYTES comes tool_stream_content(). */
void tool_stream_entry(const struct entry *entry);

/* The content of the last entry: from the file's current offset to its end, at most `max` bytes. Returns how many bytes
 * there were. A file that cannot be read any more ends there. */
uint64_t tool_stream_content(int fd, uint64_t max);

/* The content of the last entry: `size` bytes of a file, with its holes as holes. What the file does not have any more
 * is a hole, too. */
void tool_stream_sparse(int fd, uint64_t size);

/* The stream's end, once, last. Returns `exit`. */
enum file_exit tool_stream_end(enum file_exit exit, uint64_t marks);

#endif
