#include "store/record_row.h"

#include "store/sql.h"

#include <string.h>

void record_row_read(struct statement *statement, struct record *out)
{
    memset(out, 0, sizeof *out);
    out->sequence = statement_int(statement, 0);
    sql_copy(out->id, sizeof out->id, statement, 1);
    out->key_row = statement_int(statement, 2);
    sql_copy(out->session_id, sizeof out->session_id, statement, 3);
    sql_copy(out->language, sizeof out->language, statement, 4);
    sql_copy(out->version, sizeof out->version, statement, 5);
    out->status = (enum record_status)statement_int(statement, 6);
    out->ended_by_itself = !statement_is_null(statement, 7);
    out->exit_code = statement_int(statement, 7);
    out->created_ms = statement_int(statement, 8);
    out->started_ms = statement_int(statement, 9); /* 0 for NULL */
    out->completed_ms = statement_int(statement, 10);
    out->execution_ns = statement_int(statement, 11);
    out->queue_ns = statement_int(statement, 12);
    out->cpu_ns = statement_int(statement, 13);
    out->memory_bytes = statement_int(statement, 14);
    out->code_bytes = statement_int(statement, 15);
    out->stdout_bytes = statement_int(statement, 16);
    out->stderr_bytes = statement_int(statement, 17);
    out->attempts = statement_int(statement, 18);
}
