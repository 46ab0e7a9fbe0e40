#include "store/usage.h"

#include "store/sql.h"

#include <string.h>

int64_t usage_day(int64_t ms)
{
    return ms / USAGE_DAY_MS - (ms % USAGE_DAY_MS < 0 ? 1 : 0);
}

int usage_add(struct db *db, int64_t key_row, int64_t day, const char *language, const struct usage *more,
              struct error *error)
{
    long written = sql_run(
        db,
        "INSERT INTO usage AS u (key_row, day, language, executions, completed, credits, execution_ns, cpu_ns,"
        " output_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key_row, day, language) DO UPDATE SET"
        " executions = u.executions + excluded.executions, completed = u.completed + excluded.completed,"
        " credits = u.credits + excluded.credits, execution_ns = u.execution_ns + excluded.execution_ns,"
        " cpu_ns = u.cpu_ns + excluded.cpu_ns, output_bytes = u.output_bytes + excluded.output_bytes",
        SQL_VALUES(SQL_I(key_row), SQL_I(day), SQL_T(language), SQL_I(more->executions), SQL_I(more->completed),
                   SQL_I(more->credits), SQL_I(more->execution_ns), SQL_I(more->cpu_ns), SQL_I(more->output_bytes)),
        error);

    return written < 0 ? -1 : 0;
}

#define SUMS "sum(executions), sum(completed), sum(credits), sum(execution_ns), sum(cpu_ns), sum(output_bytes)"
#define DAYS " FROM usage WHERE key_row = ? AND day BETWEEN ? AND ?"

static const char *const sums[] = {
    [USAGE_BY_DAY] = "SELECT day, '', " SUMS DAYS " GROUP BY day ORDER BY day DESC",
    [USAGE_BY_LANGUAGE] = "SELECT 0, language, " SUMS DAYS " GROUP BY language ORDER BY sum(executions) DESC, language",
};

static void read_usage_item(struct statement *statement, struct usage_item *item)
{
    memset(item, 0, sizeof *item);
    item->day = statement_int(statement, 0);
    sql_copy(item->language, sizeof item->language, statement, 1);
    item->usage = (struct usage){.executions = statement_int(statement, 2),
                                 .completed = statement_int(statement, 3),
                                 .credits = statement_int(statement, 4),
                                 .execution_ns = statement_int(statement, 5),
                                 .cpu_ns = statement_int(statement, 6),
                                 .output_bytes = statement_int(statement, 7)};
}

int usage_sum(struct db *db, int64_t key_row, int64_t from, int64_t to, enum usage_by by,
              void (*each)(const struct usage_item *item, void *arg), void *arg, struct error *error)
{
    struct statement *statement = sql_prepare(db, sums[by], SQL_VALUES(SQL_I(key_row), SQL_I(from), SQL_I(to)), error);
    struct usage_item item;
    int row;

    if (statement == NULL)
        return -1;
    while ((row = statement_step(statement, error)) == 1) {
        read_usage_item(statement, &item);
        each(&item, arg);
    }
    statement_reset(statement);
    return row < 0 ? -1 : 0;
}
