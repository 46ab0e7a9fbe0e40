#include "store/credits.h"

#include "base/container_of.h"
#include "base/seam.h"
#include "store/slice.h"
#include "store/sql.h"
#include "store/store.h"
#include "store/usage.h"

#include <assert.h>
#include <stdlib.h>

int credits_balance(struct db *db, int64_t key_row, int64_t *left, struct error *error)
{
    struct statement *statement;
    int found = sql_first(db, "SELECT credits FROM keys WHERE row = ?", SQL_VALUES(SQL_I(key_row)), &statement, error);

    if (found <= 0)
        return found < 0 ? -1 : error_set(error, ERROR_NOT_FOUND, "Key not found");
    *left = statement_int(statement, 0);
    statement_reset(statement);
    return 0;
}

/* The key does not have the amount. 0: it is not prepaid; or -1. */
static int explain_refusal(struct db *db, int64_t key_row, struct error *error)
{
    int64_t left = -1;

    if (credits_balance(db, key_row, &left, error) != 0)
        return -1;
    return left != -1 ? error_set(error, ERROR_CREDITS, "Out of credits") : 0;
}

static int insert_reservation(struct db *db, int64_t key_row, int64_t amount, int64_t *reservation, struct error *error)
{
    int64_t number = sql_random();

    if (sql_run(
            db, "INSERT INTO reservations (row, key_row, amount, server, run) VALUES (?, ?, ?, ?, ?)",
            SQL_VALUES(SQL_I(number), SQL_I(key_row), SQL_I(amount), SQL_I(db_server(db)), SQL_I(db_run_number(db))),
            error) < 0)
        return -1;
    *reservation = number;
    return 0;
}

int credits_reserve(struct db *db, int64_t key_row, int64_t amount, int64_t *reservation, struct error *error)
{
    assert(amount >= 0);
    *reservation = 0;
    if (amount == 0)
        return 0;
    long changed = sql_run(db, "UPDATE keys SET credits = credits - ?2 WHERE row = ?1 AND credits >= ?2",
                           SQL_VALUES(SQL_I(key_row), SQL_I(amount)), error);
    if (changed < 0)
        return -1;
    if (changed == 0)
        return explain_refusal(db, key_row, error);
    return insert_reservation(db, key_row, amount, reservation, error);
}

/* Deletes the row. 1; 0: there is none; or -1. */
static int end_reservation(struct db *db, int64_t reservation, int64_t *key_row, int64_t *amount, struct error *error)
{
    struct statement *statement;
    int found = sql_first(db, "DELETE FROM reservations WHERE row = ? RETURNING key_row, amount",
                          SQL_VALUES(SQL_I(reservation)), &statement, error);

    if (found != 1)
        return found;
    *key_row = statement_int(statement, 0);
    *amount = statement_int(statement, 1);
    return statement_step(statement, error) == 0 ? 1 : -1; /* the statement's end deletes it */
}

int credits_take(struct db *db, int64_t reservation, const char *language, struct error *error)
{
    int64_t key_row, amount;
    int ended = reservation == 0 ? 0 : end_reservation(db, reservation, &key_row, &amount, error);

    if (ended != 1)
        return ended;
    return usage_add(db, key_row, usage_day(seam_wall_ms()), language, &(struct usage){.credits = amount}, error);
}

int credits_give_back(struct db *db, int64_t reservation, struct error *error)
{
    int64_t key_row, amount;
    int ended = reservation == 0 ? 0 : end_reservation(db, reservation, &key_row, &amount, error);

    if (ended != 1)
        return ended;
    long changed = sql_run(db, "UPDATE keys SET credits = credits + ? WHERE row = ? AND credits >= 0",
                           SQL_VALUES(SQL_I(amount), SQL_I(key_row)), error);
    return changed < 0 ? -1 : 0;
}

/* No server has the number 0, so no start gives it back. */
int credits_keep(struct db *db, int64_t reservation, struct error *error)
{
    if (reservation == 0)
        return 0;
    long kept = sql_run(db, "UPDATE reservations SET server = 0 WHERE row = ?", SQL_VALUES(SQL_I(reservation)), error);
    return kept < 0 ? -1 : 0;
}

struct return_job {
    struct store_job job; /* the store frees it */
    int64_t reservation;
};

static int return_work(struct db *db, struct store_job *job, struct error *error)
{
    return credits_give_back(db, container_of(job, struct return_job, job)->reservation, error);
}

void credits_give_back_later(struct store *store, int64_t reservation)
{
    struct return_job *made = reservation != 0 ? calloc(1, sizeof *made) : NULL;

    if (made == NULL)
        return;
    made->job.work = return_work;
    made->reservation = reservation;
    store_submit(store, &made->job);
}

/* 1: there is one; 0, or -1. */
static int next_left(struct db *db, int64_t *reservation, struct error *error)
{
    struct statement *statement;
    int found = sql_first(db, "SELECT row FROM reservations WHERE server = ? AND run <> ? LIMIT 1",
                          SQL_VALUES(SQL_I(db_server(db)), SQL_I(db_run_number(db))), &statement, error);

    if (found != 1)
        return found;
    *reservation = statement_int(statement, 0);
    statement_reset(statement);
    return 1;
}

long credits_recover(struct db *db, struct error *error)
{
    struct slice slice = slice_begin(STORE_UPKEEP_SLICE_NS, db_wanted(db));
    int64_t reservation;
    long all = 0;
    int found;

    while ((found = next_left(db, &reservation, error)) == 1) {
        if (credits_give_back(db, reservation, error) != 0)
            return -1;
        all++;
        if (slice_over(&slice))
            break;
    }
    return found < 0 ? -1 : all;
}
