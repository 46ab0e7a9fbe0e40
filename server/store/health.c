#include "store/health.h"

#include "base/seam.h"
#include "store/rates.h"
#include "store/records.h"
#include "store/sql.h"

#define ROOM_BYTES 65536 /* on 16 pages: a record with its indexes and its session takes up to 10 */

/* The record's key does not exist, but only the commit would check that. records_finish() without records_insert() goes
 * through all tables. */
static int write_check_record(struct db *db, struct error *error)
{
    const struct record record = {.id = "check",
                                  .session_id = "check",
                                  .language = "check",
                                  .version = "0",
                                  .status = RECORD_COMPLETED,
                                  .reservation = -1, /* there is no such number */
                                  .created_ms = 1,
                                  .completed_ms = 1};
    struct rate_verdict verdict;

    if (db_defer_keys(db, error) != 0 || records_finish(db, &record, error) != 0)
        return -1;
    return rates_take(db, record.key_row, 1, 1, seam()->wall_ns(), &verdict, error);
}

int health_try_record(struct db *db, bool *lacks_schema, struct error *error)
{
    *lacks_schema = false;
    if (db_begin(db, error) != 0)
        return -1;
    int written = write_check_record(db, error);
    if (written != 0)
        *lacks_schema = db_driver(db)->calls->lacks_schema(db_driver(db));
    db_rollback(db);
    return written;
}

/* Takes room in the file; 0 bytes: gives it back. */
static int commit_room(struct db *db, int64_t bytes, struct error *error)
{
    if (db_begin(db, error) != 0)
        return -1;
    if (sql_run(db,
                "UPDATE instance SET written_ms = ?1, room = CASE WHEN ?2 > 0 THEN " SQL_DIALECT("zeroblob(?2)") " END",
                SQL_VALUES(SQL_I(seam_wall_ms()), SQL_I(bytes)), error) < 0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, error);
}

static int check_all(struct db *db, bool recovering, struct error *error)
{
    bool lacks_schema;

    if (db_check_place(db, error) != 0 || health_try_record(db, &lacks_schema, error) != 0)
        return -1;
    if (recovering && commit_room(db, ROOM_BYTES, error) != 0)
        return -1;
    return commit_room(db, 0, error);
}

int health_check(struct db *db, bool recovering, struct error *error)
{
    if (check_all(db, recovering, error) == 0)
        return 0;
    if (error->code != ERROR_UNAVAILABLE) /* for example, a constraint that Codecell has not made */
        error_set(error, ERROR_UNAVAILABLE, DRIVER_TROUBLE "a record can't be written (%s)", error->text);
    return -1;
}
