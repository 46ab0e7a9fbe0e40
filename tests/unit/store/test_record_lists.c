/* Lists of records and sessions: their order, their filters, and the indexes that serve them. */
#include "lib/repeats.h"
#include "store/records_fixture.h"

#include <sqlite3.h>

/* They stand before what is listed, and cost slices, but no page. */
static void lists_pass_over_what_was_removed(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    int removed = unless_short(50000, 2000);
    struct record old = insert(db, key, "", "python"), older;
    fixture_fill(db, key, "", 3);
    insert(db, key, "s", "python");
    fixture_fill(db, key, "s", removed);
    older = insert(db, key, "", "bash");
    check(sessions_delete(db, key, "s", &error), &error);
    for (int i = 0; i < 2; i++) {
        struct record_filter filter = {.key_row = key, .status = -1, .limit = 3};
        fixture_step_ns = i ? STORE_READING_SLICE_NS : 1;
        struct page page = list(db, filter);
        assert_int_equal(page.count, 3);
        assert_string_equal(page.ids[0], older.id);
        assert_true(page.more);
        assert_true(i == 0 || page.slices >= removed);
        filter.before = page.last;
        page = list(db, filter);
        assert_int_equal(page.count, 2);
        assert_string_equal(page.ids[1], old.id);
        assert_false(page.more);
    }
}

static void lists_are_newest_first_and_go_on_by_cursor(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db);
    struct record made[5];
    struct record_filter filter = {.key_row = key, .status = -1, .limit = 2};
    assert_int_equal(list(db, filter).count, 0);
    assert_false(list(db, filter).more);
    for (int i = 0; i < 5; i++)
        made[i] = insert(db, key, "", "python");
    for (int i = 4; i >= 0; i -= 2) {
        struct page page = list(db, filter);
        assert_int_equal(page.count, i > 0 ? 2 : 1);
        assert_string_equal(page.ids[0], made[i].id);
        assert_int_equal(page.more, i > 0);
        filter.before = page.last;
        if (i == 4)
            insert(db, key, "", "python"); /* what comes meanwhile moves nothing */
    }
    filter.limit = 6;
    filter.before = 0;
    assert_int_equal(list(db, filter).count, 6);
    assert_false(list(db, filter).more); /* exactly all */
}

static void filters_alone_and_together(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db), other = new_key(db);
    static const struct {
        const char *session, *language;
        enum record_status status;
    } made[] = {
        {"a", "python", RECORD_COMPLETED}, {"a", "bash", RECORD_FAILED}, {"b", "python", RECORD_FAILED},
        {"", "python", RECORD_COMPLETED},  {"", "c", RECORD_PENDING},
    };
    static const struct {
        const char *session, *language;
        int status, count;
    } asked[] = {
        {NULL, NULL, -1, 5},
        {"a", NULL, -1, 2},
        {"b", NULL, -1, 1},
        {"c", NULL, -1, 0},
        {NULL, "python", -1, 3},
        {NULL, "cobol", -1, 0},
        {NULL, NULL, RECORD_FAILED, 2},
        {NULL, NULL, RECORD_PENDING, 1},
        {NULL, NULL, RECORD_LOST, 0},
        {"a", "python", -1, 1},
        {"a", NULL, RECORD_FAILED, 1},
        {NULL, "python", RECORD_COMPLETED, 2},
        {"a", "python", RECORD_COMPLETED, 1},
        {"a", "python", RECORD_FAILED, 0},
    };
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        struct record record = insert(db, key, made[i].session, made[i].language);
        if (made[i].status != RECORD_PENDING)
            finish(db, &record, made[i].status);
    }
    insert(db, other, "a", "python");
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct record_filter filter = {.key_row = key,
                                       .session_id = asked[i].session,
                                       .language = asked[i].language,
                                       .status = asked[i].status,
                                       .limit = 200};
        if (list(db, filter).count != asked[i].count)
            fail_msg("filter %zu: %d", i, list(db, filter).count);
    }
}

static void a_limit_out_of_range_is_refused(void **state)
{
    static const unsigned limits[] = {0, 201};
    struct db *db = ((struct fixture *)*state)->db;
    for (size_t i = 0; i < 2; i++) {
        struct error error = {0};
        struct page page = {0};
        struct record_filter filter = {.key_row = 1, .status = -1, .limit = limits[i]};
        assert_int_equal(records_list(db, &filter, add_record, &page, &page.more, &error), -1);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.text, "limit: must be an integer from 1 to 200");
        assert_int_equal(sessions_list(db, 1, 0, limits[i], NULL, NULL, &page.more, &error), -1);
    }
}

/* All that GET /executions can filter by, together and alone. */
static void list_all_combinations(struct db *db, int64_t key)
{
    for (unsigned by = 0; by < 8; by++)
        list(db, (struct record_filter){.key_row = key,
                                        .session_id = by & 1 ? "s" : NULL,
                                        .language = by & 2 ? "c" : NULL,
                                        .status = by & 4 ? RECORD_COMPLETED : -1,
                                        .limit = 1});
}

/* Each statement on records and sessions that the functions have prepared is answered from an index, in its order. */
static void nothing_scans_a_table(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct page page = {0};
    int64_t key = new_key(db);
    struct record made = insert(db, key, "s", "c"), other = insert(db, key, "s", "c"), never = pending(key, "", "c");
    finish(db, &made, RECORD_COMPLETED);
    finish(db, &never, RECORD_COMPLETED);
    list_all_combinations(db, key);
    check(sessions_list(db, key, 0, 1, add_session, &page, &page.more, &error), &error);
    session_of(db, key, "s");
    get(db, key, made.id);
    check(sessions_delete(db, key, "s", &error), &error);
    finish(db, &other, RECORD_COMPLETED);
    insert(db, key, "s", "c");
    purge(db);
    assert_int_equal(records_mark_lost(db, &(int64_t){-1}, &error), 1);
    assert_int_equal(records_expire(db, NOW_MS, &error), 0);
    int checked = fixture_scans_nothing(db, (const char *const[]){"executions", "sessions", NULL});
    assert_true(checked >= 27);
}

/* With rows in it SQLite chooses as it does without: each list uses all of its filters' columns. */
static void each_combination_of_filters_has_its_index(void **state)
{
    static const char *const columns[] = {"session_id=?", "language=?", "status=?"};
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db);
    int lists = 0;
    list_all_combinations(db, key);
    sqlite3 *handle = driver_sqlite_handle(db_driver(db));
    for (sqlite3_stmt *kept = NULL; (kept = sqlite3_next_stmt(handle, kept));) {
        const char *sql = sqlite3_sql(kept), *filters = strstr(sql, "sequence < ?");
        sqlite3_stmt *plan;
        char explain[2048];
        if (!filters)
            continue;
        snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", sql);
        assert_int_equal(sqlite3_prepare_v2(driver_sqlite_handle(db_driver(db)), explain, -1, &plan, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(plan), SQLITE_ROW);
        const char *step = (const char *)sqlite3_column_text(plan, 3);
        assert_non_null(strstr(step, "SEARCH e USING"));
        assert_non_null(strstr(step, "key_row=?"));
        assert_non_null(strstr(step, "rowid<?"));
        for (size_t i = 0; i < 3; i++) {
            char filter[32];
            snprintf(filter, sizeof(filter), "%.*s = ?", (int)strcspn(columns[i], "="), columns[i]);
            if (!strstr(step, columns[i]) != !strstr(filters, filter))
                fail_msg("%s: %s", sql, step);
        }
        sqlite3_finalize(plan);
        lists++;
    }
    assert_int_equal(lists, 8);
}

static void sessions_newest_first(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct page page = {0}, rest = {0};
    insert(db, key, "one", "python");
    insert(db, key, "two", "python");
    insert(db, key, "three", "python");
    insert(db, key, "one", "python"); /* used again, but not newer */
    insert(db, new_key(db), "other", "python");
    check(sessions_list(db, key, 0, 2, add_session, &page, &page.more, &error), &error);
    assert_int_equal(page.count, 2);
    assert_string_equal(page.ids[0], "three");
    assert_string_equal(page.ids[1], "two");
    assert_true(page.more);
    check(sessions_list(db, key, page.last, 2, add_session, &rest, &rest.more, &error), &error);
    assert_int_equal(rest.count, 1);
    assert_string_equal(rest.ids[0], "one");
    assert_false(rest.more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(lists_pass_over_what_was_removed),
        fixture_test(lists_are_newest_first_and_go_on_by_cursor),
        fixture_test(filters_alone_and_together),
        fixture_test(a_limit_out_of_range_is_refused),
        fixture_test(nothing_scans_a_table),
        fixture_test(each_combination_of_filters_has_its_index),
        fixture_test(sessions_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
