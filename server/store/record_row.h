/* A row of `executions` without its code and output: the columns that a statement selects, and their reader. */
#ifndef CODECELL_STORE_RECORD_ROW_H
#define CODECELL_STORE_RECORD_ROW_H

#include "store/records.h"

struct statement;

/* Of `executions AS e`. A measured value that is NULL is read as -1, and any other NULL as 0 or "". */
#define RECORD_ROW                                                                                           \
    "e.sequence, e.id, e.key_row, coalesce(e.session_id, ''), e.language, e.version, e.status, e.exit_code," \
    " e.created_ms, e.started_ms, e.completed_ms, coalesce(e.execution_ns, -1), coalesce(e.queue_ns, -1),"   \
    " coalesce(e.cpu_ns, -1), coalesce(e.memory_bytes, -1), e.code_bytes, e.stdout_bytes, e.stderr_bytes, e.attempts"
#define RECORD_ROW_COLUMNS 19 /* the next column's number */

/* Reads the first columns of a statement's row; all else of `out` is zero. */
void record_row_read(struct statement *statement, struct record *out);

#endif
