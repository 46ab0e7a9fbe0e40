/* The last hour, with a clock of the test's own. */
#include "run/history.h"
#include "unit.h"

#include <stdio.h>

#define MINUTE INT64_C(60000)
#define NOW INT64_C(1700000000000)
#define MS UINT64_C(1000000)

static int set_up(void **state)
{
    *state = history_new();
    return *state == NULL;
}

static int tear_down(void **state)
{
    history_free(*state);
    return 0;
}

static struct history_figures sum(struct history *history, int64_t now, unsigned back, unsigned minutes,
                                  size_t language)
{
    struct history_figures figures;
    history_sum(history, now, back, minutes, language, &figures);
    return figures;
}

static void nothing_has_no_percentiles(void **state)
{
    struct history_figures all = sum(*state, NOW, 0, HISTORY_MINUTES, HISTORY_ALL);
    assert_int_equal(all.executions, 0);
    assert_int_equal(all.p50_ns, -1);
    assert_int_equal(all.p95_ns, -1);
    assert_int_equal(history_languages(*state), 0);
}

static void ends_are_counted_by_minute_and_language(void **state)
{
    struct history *history = *state;
    history_add(history, NOW, "python", HISTORY_COMPLETED, 10 * MS);
    history_add(history, NOW, "c", HISTORY_FAILED, 20 * MS);
    history_add(history, NOW + MINUTE, "python", HISTORY_TIMED_OUT, 30000 * MS);
    history_add(history, NOW + MINUTE, "python", HISTORY_CANCELLED, 1 * MS);
    history_add(history, NOW + MINUTE, "python", HISTORY_ERROR, 1 * MS);
    assert_int_equal(history_languages(history), 2);
    assert_string_equal(history_language(history, 0), "python");
    assert_string_equal(history_language(history, 1), "c");
    int64_t now = NOW + MINUTE;
    assert_int_equal(sum(history, now, 0, 1, HISTORY_ALL).executions, 3);
    assert_int_equal(sum(history, now, 1, 1, HISTORY_ALL).executions, 2);
    struct history_figures python = sum(history, now, 0, 2, 0);
    static const uint64_t wanted[HISTORY_ENDS] = {1, 0, 1, 1, 1};
    for (size_t i = 0; i < HISTORY_ENDS; i++)
        assert_int_equal(python.ends[i], wanted[i]);
    assert_int_equal(sum(history, now, 0, 2, 1).ends[HISTORY_FAILED], 1);
    assert_int_equal(sum(history, now, 0, 1, 1).executions, 0);
}

/* A cancelled execution and one that could not run say nothing about the time. */
static void percentiles_are_close(void **state)
{
    struct history *history = *state;
    for (unsigned i = 1; i <= 1000; i++)
        history_add(history, NOW, "python", HISTORY_COMPLETED, i * MS);
    for (unsigned i = 0; i < 5000; i++)
        history_add(history, NOW, "python", i % 2 ? HISTORY_CANCELLED : HISTORY_ERROR, 100000 * MS);
    struct history_figures figures = sum(history, NOW, 0, 1, 0);
    assert_in_range(figures.p50_ns, 435 * MS, 565 * MS);
    assert_in_range(figures.p95_ns, 826 * MS, 1074 * MS);
}

static void extreme_times_have_a_bucket(void **state)
{
    struct history *history = *state;
    history_add(history, NOW, "a", HISTORY_COMPLETED, 0);
    assert_in_range(sum(history, NOW, 0, 1, 0).p50_ns, 0, MS / 10);
    history_add(history, NOW, "b", HISTORY_COMPLETED, UINT64_MAX);
    assert_true(sum(history, NOW, 0, 1, 1).p50_ns > (int64_t)(400000 * MS));
}

static void what_is_older_than_an_hour_is_forgotten(void **state)
{
    struct history *history = *state;
    history_add(history, NOW, "python", HISTORY_COMPLETED, MS);
    int64_t last = NOW + (HISTORY_MINUTES - 1) * MINUTE;
    assert_int_equal(sum(history, last, 0, HISTORY_MINUTES, HISTORY_ALL).executions, 1);
    assert_int_equal(sum(history, last + MINUTE, 0, HISTORY_MINUTES, HISTORY_ALL).executions, 0);
    /* Its place is used again, and has nothing of it. */
    int64_t later = NOW + (HISTORY_MINUTES + 1) * MINUTE;
    history_add(history, later, "c", HISTORY_COMPLETED, MS);
    assert_int_equal(sum(history, later, 0, 1, HISTORY_ALL).executions, 1);
    assert_int_equal(sum(history, later, 0, 1, 0).executions, 0);
    assert_int_equal(sum(history, later, 0, 1, 1).executions, 1);
}

/* A clock that was set back drops what it meets, and nothing breaks. */
static void a_clock_may_go_back(void **state)
{
    struct history *history = *state;
    history_add(history, NOW, "c", HISTORY_COMPLETED, MS);
    history_add(history, NOW - 120 * MINUTE, "c", HISTORY_COMPLETED, MS);
    assert_int_equal(sum(history, NOW - 120 * MINUTE, 0, HISTORY_MINUTES, HISTORY_ALL).executions, 1);
    history_add(history, -5, "c", HISTORY_COMPLETED, MS);
}

static void requests_are_counted_by_their_status(void **state)
{
    struct history *history = *state;
    static const int statuses[] = {200, 101, 304, 400, 429, 500, 503, 503, 0};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        history_answer(history, NOW, statuses[i]);
    struct history_figures all = sum(history, NOW, 0, 1, HISTORY_ALL);
    assert_int_equal(all.answers[HISTORY_ANSWERED], 3);
    assert_int_equal(all.answers[HISTORY_TURNED_AWAY], 2);
    assert_int_equal(all.answers[HISTORY_SERVER_ERROR], 3);
}

static void further_languages_count_in_all(void **state)
{
    struct history *history = *state;
    char name[16];
    for (unsigned i = 0; i < HISTORY_LANGUAGES_MAX + 5; i++) {
        snprintf(name, sizeof name, "l%u", i);
        history_add(history, NOW, name, HISTORY_COMPLETED, MS);
    }
    assert_int_equal(history_languages(history), HISTORY_LANGUAGES_MAX);
    assert_int_equal(sum(history, NOW, 0, 1, HISTORY_ALL).executions, HISTORY_LANGUAGES_MAX + 5);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(nothing_has_no_percentiles),
        test(ends_are_counted_by_minute_and_language),
        test(percentiles_are_close),
        test(extreme_times_have_a_bucket),
        test(what_is_older_than_an_hour_is_forgotten),
        test(a_clock_may_go_back),
        test(requests_are_counted_by_their_status),
        test(further_languages_count_in_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
