#include "store/rates.h"

#include "store/keys.h"
#include "store/sql.h"

#include <assert.h>

#define MINUTE_NS 60000000000

struct rate_verdict rate_decide(int64_t tat_ns, int64_t rate_per_minute, int64_t cost, int64_t now_ns)
{
    assert(rate_per_minute >= 1 && rate_per_minute <= KEY_RATE_MAX && cost >= 0);
    /* The burst is a multiple of the rounded interval. A burst that was rounded by itself would gain or lose a request.
     */
    int64_t interval = (MINUTE_NS + rate_per_minute - 1) / rate_per_minute;
    int64_t full = now_ns + interval * rate_per_minute;
    struct rate_verdict verdict = {.limit = rate_per_minute};

    int64_t tat = tat_ns == 0 || tat_ns < now_ns ? now_ns : tat_ns;
    if (tat > full)
        tat = full;
    int64_t room = (full - tat) / interval;
    verdict.allowed = cost <= room;
    if (verdict.allowed)
        tat += cost * interval;
    else if (cost <= rate_per_minute)
        verdict.retry_after_ns = tat + cost * interval - full;
    else
        verdict.retry_after_ns = tat - now_ns > interval ? tat - now_ns : interval;
    verdict.tat_ns = tat;
    verdict.remaining = (full - tat) / interval;
    verdict.reset_ns = tat;
    return verdict;
}

static int load_tat(struct db *db, int64_t key_row, int64_t *tat_ns, struct error *error)
{
    struct statement *statement;
    int row =
        sql_first(db, "SELECT tat_ns FROM rates WHERE key_row = ?", SQL_VALUES(SQL_I(key_row)), &statement, error);

    *tat_ns = row == 1 ? statement_int(statement, 0) : 0;
    if (row == 1)
        statement_reset(statement);
    return row < 0 ? -1 : 0;
}

int rates_take(struct db *db, int64_t key_row, int64_t rate_per_minute, int64_t cost, int64_t now_ns,
               struct rate_verdict *verdict, struct error *error)
{
    int64_t tat_ns;

    if (load_tat(db, key_row, &tat_ns, error) != 0)
        return -1;
    *verdict = rate_decide(tat_ns, rate_per_minute, cost, now_ns);
    if (!verdict->allowed || cost == 0)
        return 0;
    long changed = sql_run(db,
                           "INSERT INTO rates (key_row, tat_ns) VALUES (?, ?)"
                           " ON CONFLICT (key_row) DO UPDATE SET tat_ns = excluded.tat_ns",
                           SQL_VALUES(SQL_I(key_row), SQL_I(verdict->tat_ns)), error);
    return changed < 0 ? -1 : 0;
}
