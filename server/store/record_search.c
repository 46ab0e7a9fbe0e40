#include "store/record_search.h"

#include "store/record_row.h"
#include "store/slice.h"
#include "store/sql.h"
#include "store/store.h"

#include <string.h>

#define SEARCH_MAX 200

/* The ways to the rows, each by an index that gives them in their order, or gives few of them. The strictest filter
 * that the search has chooses the way; the others are compared row by row, in slices. */
enum way {
    WAY_ALL,
    WAY_ID,
    WAY_SESSION,
    WAY_KEY,
    WAY_KEY_LANGUAGE,
    WAY_KEY_STATUS,
    WAY_KEY_LANGUAGE_STATUS,
    WAY_STATUS,
    WAY_OPEN,
    WAY_LANGUAGE,
    WAYS
};

/* CROSS JOIN: the executions come first. ?1 is `before`, ?2 and so on what the filters compare with. The order is that
 * of the index, or with SORTED the few rows are sorted (a `+` keeps SQLite from going through all rows in order). */
#define SEARCH_BY(sequence, filter)                                                                  \
    "SELECT " RECORD_ROW ", k.id, k.name, " RECORDS_REMOVED                                          \
    " FROM executions AS e CROSS JOIN keys AS k ON k.row = e.key_row WHERE " sequence " < ?1" filter \
    " ORDER BY " sequence " DESC"
#define SEARCH(filter) SEARCH_BY("e.sequence", filter)
#define SORTED(filter) SEARCH_BY("+e.sequence", filter)

#define KEY " AND e.key_row = (SELECT row FROM keys WHERE id = ?2)"

static const char *const searches[WAYS] = {
    [WAY_ALL] = SEARCH(""),
    [WAY_ID] = SORTED(" AND e.id >= ?2 AND e.id < ?2 || 'g'"), /* "g" follows the digits of an id */
    [WAY_SESSION] = SEARCH(" AND e.session_id = ?2"),
    [WAY_KEY] = SEARCH(KEY),
    [WAY_KEY_LANGUAGE] = SEARCH(KEY " AND e.language = ?3"),
    [WAY_KEY_STATUS] = SEARCH(KEY " AND e.status = ?3"),
    [WAY_KEY_LANGUAGE_STATUS] = SEARCH(KEY " AND e.language = ?3 AND e.status = ?4"),
    [WAY_STATUS] = SEARCH(" AND e.status = ?2 AND e.status > 2"),
    [WAY_OPEN] = SORTED(" AND e.status <= 1"),
    [WAY_LANGUAGE] = SEARCH(" AND e.language = ?2"),
};

static enum way way_of_key(const struct record_search *search)
{
    if (search->language != NULL)
        return search->status >= 0 ? WAY_KEY_LANGUAGE_STATUS : WAY_KEY_LANGUAGE;
    return search->status >= 0 ? WAY_KEY_STATUS : WAY_KEY;
}

static enum way way_of(const struct record_search *search)
{
    if (search->id_prefix != NULL)
        return WAY_ID;
    if (search->session_id != NULL)
        return WAY_SESSION;
    if (search->key_id != NULL)
        return way_of_key(search);
    if (search->status > RECORD_COMPLETED)
        return WAY_STATUS;
    if (search->status >= 0 && search->status < RECORD_COMPLETED)
        return WAY_OPEN;
    return search->language != NULL ? WAY_LANGUAGE : WAY_ALL;
}

static struct statement *search_start(struct db *db, const struct record_search *search, struct error *error)
{
    enum way way = way_of(search);
    struct driver_value values[5] = {SQL_I(search->before != 0 ? search->before : INT64_MAX)};
    size_t count = 1;

    if (way == WAY_ID)
        values[count++] = SQL_T(search->id_prefix);
    else if (way == WAY_SESSION)
        values[count++] = SQL_T(search->session_id);
    else if (way >= WAY_KEY && way <= WAY_KEY_LANGUAGE_STATUS)
        values[count++] = SQL_T(search->key_id);
    if (way == WAY_KEY_LANGUAGE || way == WAY_KEY_LANGUAGE_STATUS || way == WAY_LANGUAGE)
        values[count++] = SQL_T(search->language);
    if (way == WAY_KEY_STATUS || way == WAY_KEY_LANGUAGE_STATUS || way == WAY_STATUS)
        values[count++] = SQL_I(search->status);
    values[count] = (struct driver_value){.type = DRIVER_END};
    return sql_prepare(db, searches[way], values, error);
}

static void search_read(struct statement *statement, struct record *record, struct record_owner *owner)
{
    record_row_read(statement, record);
    sql_copy(owner->id, sizeof owner->id, statement, RECORD_ROW_COLUMNS);
    sql_copy(owner->name, sizeof owner->name, statement, RECORD_ROW_COLUMNS + 1);
}

static bool is_or_any(const char *wanted, const char *value)
{
    return wanted == NULL || strcmp(wanted, value) == 0;
}

static bool search_fits(const struct record_search *search, const struct record *record,
                        const struct record_owner *owner)
{
    return is_or_any(search->key_id, owner->id) && is_or_any(search->session_id, record->session_id) &&
           is_or_any(search->language, record->language) &&
           (search->status < 0 || search->status == (int)record->status);
}

int records_search(struct db *db, struct record_search *search,
                   void (*each)(const struct record *record, const struct record_owner *owner, void *arg), void *arg,
                   bool *more, struct error *error)
{
    if (search->limit < 1 || search->limit > SEARCH_MAX)
        return error_set(error, ERROR_INVALID, "limit: must be an integer from 1 to %d", SEARCH_MAX);
    struct statement *statement = search_start(db, search, error);
    struct slice slice = slice_begin(STORE_READING_SLICE_NS, db_wanted(db));
    bool over = false;
    int row = -1;

    *more = false;
    while (statement != NULL && !over && !*more && (row = statement_step(statement, error)) == 1) {
        struct record record;
        struct record_owner owner;
        bool removed = statement_int(statement, RECORD_ROW_COLUMNS + 2) != 0;
        search_read(statement, &record, &owner);
        bool fits = !removed && search_fits(search, &record, &owner);
        if (fits && search->given == search->limit) {
            *more = true;
            break;
        }
        if (fits) {
            each(&record, &owner, arg);
            search->given++;
        }
        search->before = record.sequence;
        over = slice_over(&slice);
    }
    if (statement != NULL)
        statement_reset(statement);
    return row < 0 ? -1 : over ? STORE_MORE : 0;
}

int record_owner_of(struct db *db, int64_t key_row, struct record_owner *out, struct error *error)
{
    struct statement *statement;
    int row = sql_first(db, "SELECT id, name FROM keys WHERE row = ?", SQL_VALUES(SQL_I(key_row)), &statement, error);

    if (row != 1)
        return row;
    sql_copy(out->id, sizeof out->id, statement, 0);
    sql_copy(out->name, sizeof out->name, statement, 1);
    statement_reset(statement);
    return 1;
}
