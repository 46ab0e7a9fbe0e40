/* Streams of entries (docker/wire/entry.h), made and told. What a stream holds is told as text, a line an entry:
 * "file a/b 644 1700000000123456789 3 abc", so that two streams can be compared whatever their pieces were. */
#ifndef CODECELL_TESTS_ENTRIES_H
#define CODECELL_TESTS_ENTRIES_H

#include "base/buf.h"
#include "docker/wire/entry.h"
#include "unit.h"

#include <string.h>

#define ENTRIES_TIME INT64_C(1700000000123456789)

/* Making a stream. */
void entries_file(struct buf *stream, const char *path, uint32_t mode, const void *data, size_t len);
void entries_hole(struct buf *stream, const char *path, uint32_t len); /* a file of zeros, with "end" behind them */
void entries_entry(struct buf *stream, enum entry_type type, const char *path, const char *target);
void entries_end(struct buf *stream, enum file_exit exit);

/* What a stream holds, as text. `out` is emptied first. */
void entries_text(struct buf *out, const struct buf *stream);

#endif
