/* The operator's search over all keys: its filters, its pages, and the indexes that serve it. */
#include "store/records_fixture.h"

#include "store/record_search.h"

#include <sqlite3.h>
#include <string.h>

struct seen {
    int count;
    char ids[256][UUID_LEN + 1];
    struct record_owner owners[256];
    int slices;
    bool more;
    int64_t last;
};

static void see(const struct record *record, const struct record_owner *owner, void *arg)
{
    struct seen *seen = arg;
    assert_null(record->code);
    assert_null(record->out);
    text_copy(seen->ids[seen->count], sizeof seen->ids[0], record->id);
    seen->owners[seen->count++] = *owner;
    seen->last = record->sequence;
}

static struct seen search(struct db *db, struct record_search wanted)
{
    struct seen seen = {0};
    struct error error = {0};
    int result;
    wanted.limit = wanted.limit != 0 ? wanted.limit : 200;
    do {
        result = records_search(db, &wanted, see, &seen, &seen.more, &error);
        check(result, &error);
        seen.slices++;
    } while (result == STORE_MORE);
    return seen;
}

static struct key make_key(struct db *db)
{
    char text[KEY_TEXT_LEN + 1];
    return fixture_key(db, text);
}

static void filters_alone_and_together(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct key one = make_key(db), two = make_key(db);
    struct record a = insert(db, one.row, "s", "python"), b = insert(db, two.row, "s", "c");
    struct record c = insert(db, two.row, "", "python"), d = insert(db, one.row, "", "c");
    finish(db, &a, RECORD_COMPLETED);
    finish(db, &b, RECORD_FAILED);
    finish(db, &c, RECORD_FAILED);
    char prefix[9] = "";
    memcpy(prefix, c.id, 8);
    const struct {
        struct record_search wanted;
        const char *ids[5];
    } cases[] = {
        {{.status = -1}, {d.id, c.id, b.id, a.id}},
        {{.status = -1, .key_id = one.id}, {d.id, a.id}},
        {{.status = -1, .key_id = "nobodys0"}, {NULL}},
        {{.status = -1, .language = "python"}, {c.id, a.id}},
        {{.status = RECORD_FAILED}, {c.id, b.id}},
        {{.status = RECORD_COMPLETED}, {a.id}},
        {{.status = RECORD_PENDING}, {d.id}},
        {{.status = -1, .session_id = "s"}, {b.id, a.id}},
        {{.status = -1, .id_prefix = prefix}, {c.id}},
        {{.status = -1, .id_prefix = a.id}, {a.id}},
        {{.status = RECORD_FAILED, .key_id = two.id}, {c.id, b.id}},
        {{.status = -1, .key_id = two.id, .language = "c"}, {b.id}},
        {{.status = RECORD_FAILED, .key_id = two.id, .language = "c"}, {b.id}},
        {{.status = RECORD_FAILED, .language = "c"}, {b.id}},
        {{.status = RECORD_PENDING, .language = "python"}, {NULL}},
        {{.status = RECORD_COMPLETED, .language = "python"}, {a.id}},
        {{.status = RECORD_FAILED, .key_id = two.id, .session_id = "s", .language = "c", .id_prefix = b.id}, {b.id}},
        {{.status = -1, .key_id = one.id, .id_prefix = b.id}, {NULL}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seen seen = search(db, cases[i].wanted);
        int count = 0;
        for (; cases[i].ids[count] != NULL; count++)
            if (count >= seen.count || strcmp(seen.ids[count], cases[i].ids[count]) != 0)
                fail_msg("case %zu: item %d", i, count);
        assert_int_equal(seen.count, count);
        assert_false(seen.more);
    }
    struct seen all = search(db, (struct record_search){.status = -1});
    assert_string_equal(all.owners[0].id, one.id);
    assert_string_equal(all.owners[1].id, two.id);
    assert_string_equal(all.owners[1].name, two.name);
}

static void pages_and_slices(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct key key = make_key(db);
    fixture_fill(db, key.row, "", 1000);
    struct record rare = insert(db, key.row, "", "cobol");
    finish(db, &rare, RECORD_COMPLETED);
    fixture_fill(db, key.row, "", 1000);
    fixture_step_ns = STORE_READING_SLICE_NS; /* each row is a slice */
    struct seen page = search(db, (struct record_search){.status = -1, .limit = 3});
    assert_int_equal(page.count, 3);
    assert_true(page.more);
    struct seen next = search(db, (struct record_search){.status = -1, .limit = 3, .before = page.last});
    assert_int_equal(next.count, 3);
    assert_string_not_equal(next.ids[0], page.ids[2]);
    struct seen failed = search(db, (struct record_search){.status = RECORD_FAILED, .language = "cobol"});
    assert_int_equal(failed.count, 0);
    assert_true(failed.slices >= 200); /* one in ten has failed */
    fixture_step_ns = 1;
    assert_int_equal(search(db, (struct record_search){.status = -1, .language = "cobol"}).count, 1);
}

static void removed_ones_are_not_found(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct key key = make_key(db);
    insert(db, key.row, "s", "c");
    check(sessions_delete(db, key.row, "s", &error), &error);
    assert_int_equal(search(db, (struct record_search){.status = -1}).count, 0);
}

static void a_limit_out_of_range_is_refused(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    bool more;
    struct record_search wanted = {.status = -1, .limit = 201};
    assert_int_equal(records_search(db, &wanted, see, NULL, &more, &error), -1);
    assert_int_equal(error.code, ERROR_INVALID);
}

/* The filters of each statement, and the index that it must use. */
static const struct {
    const char *filters, *index;
} indexes[] = {
    {"?1 ORDER", "INTEGER PRIMARY KEY (rowid<?)"},
    {"e.id >= ?2 AND e.id < ?2", "(id>? AND id<?)"},
    {"e.session_id = ?2", "executions_of_session (session_id=? AND rowid<?)"},
    {"id = ?2) ORDER", "executions_by_key (key_row=? AND rowid<?)"},
    {"id = ?2) AND e.language = ?3 ORDER", "executions_by_language (key_row=? AND language=? AND rowid<?)"},
    {"id = ?2) AND e.status = ?3", "executions_by_status (key_row=? AND status=? AND rowid<?)"},
    {"e.status = ?4", "executions_by_language_status (key_row=? AND language=? AND status=? AND rowid<?)"},
    {"e.status = ?2", "executions_of_status (status=? AND rowid<?)"},
    {"e.status <= 1", "USING INDEX executions_open"}, /* it holds these rows alone */
    {"?1 AND e.language = ?2", "executions_of_language (language=? AND rowid<?)"},
};

static const char *index_of(const char *sql)
{
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++)
        if (strstr(sql, indexes[i].filters))
            return indexes[i].index;
    fail_msg("no index is known for %s", sql);
    return NULL;
}

/* Each statement finds its rows by its index. Two of them sort the few rows that they find. */
static void nothing_scans_a_table(void **state)
{
    static const struct record_search ways[] = {
        {.status = -1},
        {.status = -1, .id_prefix = "abcd"},
        {.status = -1, .session_id = "s"},
        {.status = -1, .key_id = "k"},
        {.status = -1, .key_id = "k", .language = "c"},
        {.status = RECORD_FAILED, .key_id = "k"},
        {.status = RECORD_FAILED, .key_id = "k", .language = "c"},
        {.status = RECORD_FAILED},
        {.status = RECORD_PENDING},
        {.status = -1, .language = "c"},
    };
    struct db *db = ((struct fixture *)*state)->db;
    struct key key = make_key(db);
    struct error error = {0};
    struct record_owner owner;
    int checked = 0, sorts = 0;
    fixture_fill(db, key.row, "", 200);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        search(db, ways[i]);
    assert_int_equal(record_owner_of(db, key.row, &owner, &error), 1);
    assert_string_equal(owner.id, key.id);
    assert_int_equal(record_owner_of(db, 999, &owner, &error), 0);
    sqlite3 *handle = driver_sqlite_handle(db_driver(db));
    for (sqlite3_stmt *kept = NULL; (kept = sqlite3_next_stmt(handle, kept));) {
        char explain[4096];
        sqlite3_stmt *plan;
        if (!strstr(sqlite3_sql(kept), "CROSS JOIN keys"))
            continue;
        snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sqlite3_sql(kept));
        assert_int_equal(sqlite3_prepare_v2(handle, explain, -1, &plan, NULL), SQLITE_OK);
        for (int step = 0; sqlite3_step(plan) == SQLITE_ROW; step++) {
            const char *text = (const char *)sqlite3_column_text(plan, 3);
            bool first = step == 0 && strstr(text, index_of(sqlite3_sql(kept)));
            if (step == 0 ? !first : strstr(text, "SCAN") && !strstr(text, "SCAN purges"))
                fail_msg("%s: %s", sqlite3_sql(kept), text);
            sorts += strstr(text, "TEMP B-TREE") != NULL;
        }
        sqlite3_finalize(plan);
        checked++;
    }
    assert_int_equal(checked, 10);
    assert_int_equal(sorts, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(filters_alone_and_together), fixture_test(pages_and_slices),
        fixture_test(removed_ones_are_not_found), fixture_test(a_limit_out_of_range_is_refused),
        fixture_test(nothing_scans_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
