/* How far a transfer is: when a line is due, and what it says. */
#include "client/progress.h"

#include "unit.h"

static void test_when(void **state)
{
    struct progress progress = {.began = 0};

    (void)state;
    assert_false(progress_is_due(&progress, 5000));
    assert_false(progress_is_due(&progress, 5999));
    assert_true(progress_is_due(&progress, 6000));
    assert_false(progress_is_due(&progress, 6199));
    assert_true(progress_is_due(&progress, 6200));
    assert_true(progress_is_due(&progress, 9000));
}

static const struct {
    uint64_t done, total, ms;
    const char *text;
} table[] = {
    {0, 0, 0, "0 kB, 0 kB/s"},
    {12300, 0, 1000, "12 kB, 12 kB/s"},
    {12300000, 50000000, 3000, "12.3 MB of 50.0 MB (24 %), 4.1 MB/s"},
    {50000000, 50000000, 500, "50.0 MB of 50.0 MB (100 %), 100.0 MB/s"},
    {2500000000, 3000000000, 1000, "2.50 GB of 3.00 GB (83 %), 2.50 GB/s"},
};

static void test_text(void **state)
{
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        progress_text(text, sizeof text, table[i].done, table[i].total, table[i].ms);
        assert_string_equal(text, table[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_when), cmocka_unit_test(test_text)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
