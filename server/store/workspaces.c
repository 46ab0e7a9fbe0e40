#include "store/workspaces.h"

#include "base/seam.h"
#include "base/text.h"
#include "store/sql.h"

#include <string.h>

#define COLUMNS                                                                                       \
    "w.row, w.key_row, w.durable, w.language, w.file, w.bytes, w.stored_bytes, w.saved_ms, w.reason," \
    " w.kernel"

/* Whether the workspace `w` has its session. One that is in use does not expire. */
#define HAS_SESSION                                                                                               \
    "EXISTS (SELECT 1 FROM sessions AS s JOIN keys AS k ON k.row = s.key_row WHERE s.sequence = w.session"        \
    " AND s.removed = 0 AND k.revoked_ms = 0 AND (s.expires_ms = 0 OR s.expires_ms > ?1 OR EXISTS (SELECT 1 FROM" \
    " executions AS e WHERE e.key_row = s.key_row AND e.session_id = s.id AND e.status <= 1)))"

static void read_row(struct statement *statement, struct workspace_row *row)
{
    memset(row, 0, sizeof *row);
    row->row = statement_int(statement, 0);
    row->key_row = statement_int(statement, 1);
    row->durable = statement_int(statement, 2) != 0;
    sql_copy(row->language, sizeof row->language, statement, 3);
    sql_copy(row->file, sizeof row->file, statement, 4);
    row->bytes = statement_int(statement, 5);
    row->stored_bytes = statement_int(statement, 6);
    row->saved_ms = statement_int(statement, 7);
    sql_copy(row->reason, sizeof row->reason, statement, 8);
    int64_t kernel = statement_int(statement, 9);
    row->kernel = kernel >= 0 && kernel < WORKSPACE_KERNELS ? (enum workspace_kernel)kernel : WORKSPACE_KERNEL_NONE;
}

static int64_t count_of_key(struct db *db, int64_t key_row, struct error *error)
{
    struct statement *statement;

    if (sql_first(db, "SELECT count(*) FROM workspaces AS w WHERE w.key_row = ?2 AND " HAS_SESSION,
                  SQL_VALUES(SQL_I(seam_wall_ms()), SQL_I(key_row)), &statement, error) != 1)
        return -1;
    int64_t count = statement_int(statement, 0);
    statement_reset(statement);
    return count;
}

int workspaces_create(struct db *db, int64_t key_row, int64_t session, bool durable, int64_t most, struct error *error)
{
    int64_t count = count_of_key(db, key_row, error);
    char file[UUID_LEN + 1];

    if (count < 0)
        return -1;
    if (count >= most)
        return error_set(error, ERROR_RATE, "workspace: this key has %lld workspaces, and may have no more",
                         (long long)most);
    text_uuid(file);
    return sql_run(db, "INSERT INTO workspaces (session, key_row, durable, file) VALUES (?1, ?2, ?3, ?4)",
                   SQL_VALUES(SQL_I(session), SQL_I(key_row), SQL_I(durable), SQL_T(file)), error) < 0
               ? -1
               : 0;
}

int workspaces_of_session(struct db *db, int64_t session, struct workspace_row *out, struct error *error)
{
    struct statement *statement;
    int found = sql_first(db, "SELECT " COLUMNS " FROM workspaces AS w WHERE w.session = ?1",
                          SQL_VALUES(SQL_I(session)), &statement, error);

    *out = (struct workspace_row){.row = 0};
    if (found <= 0)
        return found;
    read_row(statement, out);
    statement_reset(statement);
    return 0;
}

int workspaces_get(struct db *db, int64_t row, struct workspace_row *out, struct error *error)
{
    struct statement *statement;
    int found = sql_first(db, "SELECT " COLUMNS " FROM workspaces AS w WHERE w.row = ?1", SQL_VALUES(SQL_I(row)),
                          &statement, error);

    if (found == 0)
        return error_set(error, ERROR_NOT_FOUND, "Session not found");
    if (found < 0)
        return -1;
    read_row(statement, out);
    statement_reset(statement);
    return 0;
}

int workspaces_save(struct db *db, const struct workspace_row *row, struct error *error)
{
    long changed =
        sql_run(db,
                "UPDATE workspaces AS w SET language = ?3, bytes = ?4, stored_bytes = ?5, saved_ms = ?6,"
                " reason = ?7, kernel = ?8 WHERE row = ?2 AND " HAS_SESSION,
                SQL_VALUES(SQL_I(seam_wall_ms()), SQL_I(row->row), SQL_T(row->language), SQL_I(row->bytes),
                           SQL_I(row->stored_bytes), SQL_I(row->saved_ms), SQL_T(row->reason), SQL_I(row->kernel)),
                error);

    if (changed == 0)
        return error_set(error, ERROR_NOT_FOUND, "Session not found");
    return changed < 0 ? -1 : 0;
}

int workspaces_take_orphan(struct db *db, struct workspace_row *out, struct error *error)
{
    struct statement *statement;
    int found = sql_first(db, "SELECT " COLUMNS " FROM workspaces AS w WHERE NOT " HAS_SESSION " LIMIT 1",
                          SQL_VALUES(SQL_I(seam_wall_ms())), &statement, error);

    if (found <= 0)
        return found;
    read_row(statement, out);
    statement_reset(statement);
    return sql_run(db, "DELETE FROM workspaces WHERE row = ?1", SQL_VALUES(SQL_I(out->row)), error) < 0 ? -1 : 1;
}

int workspaces_each(struct db *db, void (*each)(const struct workspace_row *row, void *arg), void *arg,
                    struct error *error)
{
    struct statement *statement = sql_prepare(db, "SELECT " COLUMNS " FROM workspaces AS w", NULL, error);
    struct workspace_row row;
    int found = -1;

    while (statement != NULL && (found = statement_step(statement, error)) == 1) {
        read_row(statement, &row);
        each(&row, arg);
    }
    if (statement != NULL)
        statement_reset(statement);
    return found < 0 ? -1 : 0;
}
