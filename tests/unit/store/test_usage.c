/* Counters of use: each execution and each credit is counted once, and outlives its record. */
#include "store/records_fixture.h"

#include "store/credits.h"
#include "store/usage.h"

#define TODAY (NOW_MS / 86400000)

struct seen {
    unsigned count;
    struct usage_item items[8];
};

static void add_item(const struct usage_item *item, void *arg)
{
    struct seen *seen = arg;
    assert_true(seen->count < 8);
    seen->items[seen->count++] = *item;
}

static struct seen sum(struct db *db, int64_t key, int64_t from, int64_t to, enum usage_by by)
{
    struct error error = {0};
    struct seen seen = {0};
    check(usage_sum(db, key, from, to, by, add_item, &seen, &error), &error);
    return seen;
}

static struct usage today(struct db *db, int64_t key)
{
    struct seen seen = sum(db, key, TODAY, TODAY, USAGE_BY_DAY);
    assert_true(seen.count <= 1);
    return seen.items[0].usage;
}

static void add(struct db *db, int64_t key, int64_t day, const char *language, int64_t executions)
{
    struct error error = {0};
    const struct usage more = {.executions = executions, .execution_ns = 10 * executions};
    check(usage_add(db, key, day, language, &more, &error), &error);
}

static void a_day_begins_at_midnight_in_utc(void **state)
{
    (void)state;
    static const struct {
        int64_t ms, day;
    } table[] = {{0, 0}, {86399999, 0}, {86400000, 1}, {-1, -1}, {-86400000, -1}, {-86400001, -2}, {NOW_MS, 20454}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(usage_day(table[i].ms), table[i].day);
}

static void sums_by_day_and_by_language(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db), other = new_key(db);
    add(db, key, 100, "c", 1);
    add(db, key, 100, "c", 2);
    add(db, key, 100, "python", 4);
    add(db, key, 102, "python", 8);
    add(db, key, 103, "zig", 16);
    add(db, other, 102, "c", 1000);
    struct seen days = sum(db, key, 100, 102, USAGE_BY_DAY);
    assert_int_equal(days.count, 2);
    assert_int_equal(days.items[0].day, 102);
    assert_int_equal(days.items[0].usage.executions, 8);
    assert_int_equal(days.items[1].day, 100);
    assert_int_equal(days.items[1].usage.executions, 7);
    assert_int_equal(days.items[1].usage.execution_ns, 70);
    assert_string_equal(days.items[1].language, "");
    struct seen languages = sum(db, key, 100, 102, USAGE_BY_LANGUAGE);
    assert_int_equal(languages.count, 2);
    assert_string_equal(languages.items[0].language, "python");
    assert_int_equal(languages.items[0].usage.executions, 12);
    assert_string_equal(languages.items[1].language, "c");
    assert_int_equal(languages.items[1].usage.executions, 3);
    assert_int_equal(sum(db, key, 104, 200, USAGE_BY_DAY).count, 0);
    assert_int_equal(sum(db, key, 103, 103, USAGE_BY_LANGUAGE).count, 1);
    assert_true(fixture_scans_nothing(db, (const char *const[]){"GROUP BY day", "INTO usage", NULL}) == 2);
}

static void an_execution_is_counted_at_its_first_end(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    int64_t key = new_key(db);
    struct record record = insert(db, key, "s", "c");
    assert_int_equal(today(db, key).executions, 0);
    finish(db, &record, RECORD_COMPLETED);
    finish(db, &record, RECORD_FAILED);
    struct record missing = pending(key, "", "c");
    finish(db, &missing, RECORD_FAILED);
    finish(db, &missing, RECORD_FAILED);
    struct usage seen = today(db, key);
    assert_int_equal(seen.executions, 2);
    assert_int_equal(seen.completed, 1);
    assert_int_equal(seen.execution_ns, 14000000);
    assert_int_equal(seen.cpu_ns, 10000000);
    assert_int_equal(seen.output_bytes, 12);
    assert_int_equal(seen.credits, 0);
}

static void figures_that_are_not_known_count_as_none(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct record record = insert(db, key, "", "c");
    record.status = RECORD_FAILED;
    record.completed_ms = NOW_MS;
    check(records_finish(db, &record, &error), &error);
    struct usage seen = today(db, key);
    assert_int_equal(seen.executions, 1);
    assert_int_equal(seen.execution_ns, 0);
    assert_int_equal(seen.cpu_ns, 0);
}

/* The end comes before the purge, between its slices, or after it. */
static void executions_of_a_removed_session_are_counted(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct record before = insert(db, key, "s", "c"), after = insert(db, key, "s", "c");
    check(sessions_delete(db, key, "s", &error), &error);
    finish(db, &before, RECORD_COMPLETED);
    assert_int_equal(today(db, key).executions, 1);
    purge(db);
    finish(db, &after, RECORD_COMPLETED);
    assert_int_equal(today(db, key).executions, 2);
    assert_int_equal(rows(db), 0);
}

static void counters_outlive_records(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct record record = insert(db, key, "s", "c");
    finish(db, &record, RECORD_COMPLETED);
    check((int)records_expire(db, NOW_MS + 100000, &error), &error);
    assert_no_record(db, key, record.id);
    assert_int_equal(today(db, key).executions, 1);
}

static void credits_are_counted_if_they_are_taken(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct key key = {.name = "prepaid", .scopes = KEY_EXECUTE, .rate_per_minute = 1, .credits = 10};
    char text[KEY_TEXT_LEN + 1];
    int64_t reservation;
    check(keys_create(db, &key, text, &error), &error);
    for (int used = 0; used < 2; used++) {
        struct record record = insert(db, key.row, "", "python");
        check(credits_reserve(db, key.row, 3, &record.reservation, &error), &error);
        record.used = used != 0;
        finish(db, &record, RECORD_COMPLETED);
        finish(db, &record, RECORD_COMPLETED);
        assert_int_equal(today(db, key.row).credits, used * 3);
    }
    check(credits_reserve(db, key.row, 2, &reservation, &error), &error);
    check(credits_take(db, reservation, "c", &error), &error);
    check(credits_take(db, reservation, "c", &error), &error);
    struct seen languages = sum(db, key.row, TODAY, TODAY, USAGE_BY_LANGUAGE);
    assert_int_equal(languages.count, 2);
    assert_string_equal(languages.items[1].language, "c");
    assert_int_equal(languages.items[1].usage.credits, 2);
    assert_int_equal(languages.items[1].usage.executions, 0);
}

static void an_end_that_cannot_be_counted_is_not_written(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);
    struct record record = insert(db, key, "", "c");
    fixture_run(db, "ALTER TABLE usage RENAME TO gone");
    record.status = RECORD_COMPLETED;
    assert_int_equal(records_finish(db, &record, &error), -1);
    assert_int_equal(usage_sum(db, key, 0, 1, USAGE_BY_DAY, add_item, NULL, &error), -1);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_begins_at_midnight_in_utc),
        fixture_test(sums_by_day_and_by_language),
        fixture_test(an_execution_is_counted_at_its_first_end),
        fixture_test(figures_that_are_not_known_count_as_none),
        fixture_test(executions_of_a_removed_session_are_counted),
        fixture_test(counters_outlive_records),
        fixture_test(credits_are_counted_if_they_are_taken),
        fixture_test(an_end_that_cannot_be_counted_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
