/* Whose accepted execution comes next. */
#include "run/backlog.h"
#include "unit.h"

static void nobody_waits(void **state)
{
    (void)state;
    struct backlog backlog = {.keys = NULL};
    assert_int_equal(backlog_next(&backlog), 0);
    backlog_free(&backlog);
}

static void the_key_with_the_fewest_in_hand_comes_next(void **state)
{
    (void)state;
    struct backlog backlog = {.keys = NULL};
    for (int64_t key = 1; key <= 3; key++)
        assert_int_equal(backlog_add(&backlog, key), 0);
    for (int64_t key = 1; key <= 3; key++)
        assert_int_equal(backlog_next(&backlog), key);
    backlog_leave(&backlog, 2, false);
    assert_int_equal(backlog_next(&backlog), 2); /* the only one with none */
    assert_int_equal(backlog_next(&backlog), 1); /* of equals, the one that was served longest ago */
    assert_int_equal(backlog_next(&backlog), 3);
    assert_int_equal(backlog_next(&backlog), 2);
    backlog_free(&backlog);
}

static void a_key_that_is_empty_is_forgotten(void **state)
{
    (void)state;
    struct backlog backlog = {.keys = NULL};
    assert_int_equal(backlog_add(&backlog, 7), 0);
    assert_int_equal(backlog_add(&backlog, 7), 0);
    assert_int_equal(backlog.count, 1);
    assert_int_equal(backlog_next(&backlog), 7);
    assert_int_equal(backlog_next(&backlog), 7);
    backlog_leave(&backlog, 7, true);
    assert_int_equal(backlog_next(&backlog), 0); /* one is in hand still */
    assert_int_equal(backlog.count, 1);
    backlog_leave(&backlog, 7, false);
    assert_int_equal(backlog.count, 0);
    backlog_free(&backlog);
}

/* A key with a thousand and one with a single one. */
static void a_crowd_delays_nobody(void **state)
{
    (void)state;
    struct backlog backlog = {.keys = NULL};
    assert_int_equal(backlog_add(&backlog, 1), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(backlog_next(&backlog), 1);
    assert_int_equal(backlog_add(&backlog, 2), 0);
    assert_int_equal(backlog_next(&backlog), 2);
    backlog_free(&backlog);
}

static void many_keys(void **state)
{
    (void)state;
    struct backlog backlog = {.keys = NULL};
    for (int64_t key = 1; key <= 100; key++)
        assert_int_equal(backlog_add(&backlog, key), 0);
    for (int64_t key = 1; key <= 100; key++)
        assert_int_equal(backlog_next(&backlog), key);
    for (int64_t key = 1; key <= 100; key++)
        backlog_leave(&backlog, key, true);
    assert_int_equal(backlog.count, 0);
    backlog_free(&backlog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits),
        cmocka_unit_test(the_key_with_the_fewest_in_hand_comes_next),
        cmocka_unit_test(a_key_that_is_empty_is_forgotten),
        cmocka_unit_test(a_crowd_delays_nobody),
        cmocka_unit_test(many_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
