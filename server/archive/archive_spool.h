/* A client's archive while it comes: a file without a name in the server's folder. It is read only when it is whole,
 * so a slow client holds no thread and no cell, and an upload that is cut off has changed nothing.
 *
 *   open ─ write ─ on_ready ─ write ─ on_ready ─ … ─ archive_reader_open_spool() ─ close
 */
#ifndef CODECELL_ARCHIVE_SPOOL_H
#define CODECELL_ARCHIVE_SPOOL_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct archive_spool;

#define ARCHIVE_SPOOL_WRITE_MAX ((size_t)128 << 10) /* bytes of one write */

/* The bytes are written, or not: ERROR_TOO_LARGE: more than the spool may hold. ERROR_UNAVAILABLE: the disk is full or
 * broken. It comes from the loop, never within a call. */
typedef void archive_spool_ready(void *arg, const struct error *error);

/* `folder`: the file is made there. `max`: bytes that it may hold. NULL: out of memory. */
struct archive_spool *archive_spool_open(uv_loop_t *loop, const char *folder, uint64_t max,
                                         archive_spool_ready *on_ready, void *arg);

/* Adds bytes, which are copied. Then the owner waits for on_ready before the next. */
void archive_spool_write(struct archive_spool *spool, const void *data, size_t len);

/* The file, for a reader: from byte 0. -1: nothing was written. */
int archive_spool_file(const struct archive_spool *spool);

/* At any time. on_ready does not come any more. The file is gone when its last user is. */
void archive_spool_close(struct archive_spool *spool);

#endif
