#include "store/payments.h"

#include "store/slice.h"
#include "store/sql.h"
#include "store/store.h"

#include <ctype.h>

#define PORTION 16 /* rows that one statement of a slice deletes in less than a millisecond */

/* These numbers are in the database. */
enum payment_state { PAYMENT_CLAIMED = 0, PAYMENT_SETTLING = 1, PAYMENT_IS_CONSUMED = 2 };

static void lower_nonce(char out[PAYMENT_NONCE_MAX + 1], const char *nonce)
{
    size_t len = 0;

    for (; nonce[len] != '\0' && len < PAYMENT_NONCE_MAX; len++)
        out[len] = (char)tolower((unsigned char)nonce[len]);
    out[len] = '\0';
}

static int64_t keep_until(int64_t valid_before_ms, int64_t now_ms)
{
    int64_t invalid_ms = valid_before_ms > now_ms ? valid_before_ms : now_ms;

    return invalid_ms < INT64_MAX - PAYMENT_KEPT_MS ? invalid_ms + PAYMENT_KEPT_MS : INT64_MAX;
}

/* 1: the payment is claimed; 0: its row is there already; or -1. */
static long insert_payment(struct db *db, const char *network, const char *nonce, int64_t keep_ms, int64_t claim,
                           struct error *error)
{
    return sql_run(db,
                   "INSERT INTO payments (claim, network, nonce, state, keep_ms, server, run)"
                   " VALUES (?, ?, ?, 0, ?, ?, ?) ON CONFLICT (network, nonce) DO NOTHING",
                   SQL_VALUES(SQL_I(claim), SQL_T(network), SQL_T(nonce), SQL_I(keep_ms), SQL_I(db_server(db)),
                              SQL_I(db_run_number(db))),
                   error);
}

/* Takes over what an earlier run of this server has claimed and not settled. As insert_payment(). */
static long take_over(struct db *db, const char *network, const char *nonce, int64_t keep_ms, int64_t claim,
                      struct error *error)
{
    return sql_run(db,
                   "UPDATE payments SET claim = ?, keep_ms = ?, run = ?4 WHERE network = ?5 AND nonce = ?6"
                   " AND state = 0 AND server = ?3 AND run <> ?4",
                   SQL_VALUES(SQL_I(claim), SQL_I(keep_ms), SQL_I(db_server(db)), SQL_I(db_run_number(db)),
                              SQL_T(network), SQL_T(nonce)),
                   error);
}

/* The row is there, and is not free. */
static int read_outcome(struct db *db, const char *network, const char *nonce, enum payment_outcome *outcome,
                        struct error *error)
{
    struct statement *statement;
    int found = sql_first(db, "SELECT state, server, run FROM payments WHERE network = ? AND nonce = ?",
                          SQL_VALUES(SQL_T(network), SQL_T(nonce)), &statement, error);

    if (found <= 0)
        return found < 0 ? -1 : error_set(error, ERROR_INTERNAL, "The database failed: a row is missing");
    int64_t state = statement_int(statement, 0);
    bool left = statement_int(statement, 1) == db_server(db) && statement_int(statement, 2) != db_run_number(db);
    statement_reset(statement);
    *outcome =
        state == PAYMENT_IS_CONSUMED || (state == PAYMENT_SETTLING && left) ? PAYMENT_CONSUMED : PAYMENT_IN_FLIGHT;
    return 0;
}

int payments_claim(struct db *db, const struct payment *payment, int64_t now_ms, enum payment_outcome *outcome,
                   int64_t *claim, struct error *error)
{
    int64_t number = sql_random(), keep_ms = keep_until(payment->valid_before_ms, now_ms);
    char nonce[PAYMENT_NONCE_MAX + 1];

    lower_nonce(nonce, payment->nonce);
    *claim = 0;
    long claimed = insert_payment(db, payment->network, nonce, keep_ms, number, error);
    if (claimed == 0)
        claimed = take_over(db, payment->network, nonce, keep_ms, number, error);
    if (claimed < 0)
        return -1;
    if (claimed == 0)
        return read_outcome(db, payment->network, nonce, outcome, error);
    *outcome = PAYMENT_FRESH;
    *claim = number;
    return 0;
}

int payments_settle(struct db *db, int64_t claim, struct error *error)
{
    long changed =
        sql_run(db, "UPDATE payments SET state = 1 WHERE claim = ? AND state = 0", SQL_VALUES(SQL_I(claim)), error);

    if (changed == 0)
        return error_set(error, ERROR_CONFLICT, "The payment is not claimed any more");
    return changed < 0 ? -1 : 0;
}

int payments_consume(struct db *db, int64_t claim, struct error *error)
{
    return sql_run(db, "UPDATE payments SET state = 2 WHERE claim = ?", SQL_VALUES(SQL_I(claim)), error) < 0 ? -1 : 0;
}

int payments_release(struct db *db, int64_t claim, struct error *error)
{
    return sql_run(db, "DELETE FROM payments WHERE claim = ? AND state < 2", SQL_VALUES(SQL_I(claim)), error) < 0 ? -1
                                                                                                                  : 0;
}

long payments_expire(struct db *db, int64_t now_ms, struct error *error)
{
    struct slice slice = slice_begin(STORE_UPKEEP_SLICE_NS, db_wanted(db));
    long gone, all = 0;

    do {
        gone = sql_run(db,
                       "DELETE FROM payments WHERE claim IN (SELECT claim FROM payments WHERE keep_ms <= ?"
                       " ORDER BY keep_ms LIMIT ?)",
                       SQL_VALUES(SQL_I(now_ms), SQL_I(PORTION)), error);
        all += gone;
    } while (gone > 0 && !slice_over(&slice));
    return gone < 0 ? -1 : all;
}
