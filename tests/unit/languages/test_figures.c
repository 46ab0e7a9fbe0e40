/* Limits in the commands of a language. */
#include "languages/figures.h"

#include "unit.h"

#include <stdlib.h>

static const struct cell_limits limits = {.milli_cpus = 1500, .memory_mb = 512, .disk_mb = 100, .processes = 64};

static void filled(void **state)
{
    static const char *const cases[][2] = {
        {"${memory_mb}", "512"},
        {"-Xmx${memory_mb*75/100}m", "-Xmx384m"},
        {"${memory_mb*2}", "1024"},
        {"${memory_mb-80}", "432"},
        {"${memory_mb*1/3-1}", "169"},
        {"${memory_mb-512}", "1"},
        {"${memory_mb-9999}", "1"},
        {"${memory_mb*1/9999}", "1"},
        {"a${disk_mb}${processes}b $ { ${", "a10064b $ { ${"},
        {"${disk_mb*9999}", "999900"},
        {"echo ${memory_mbs} ${memory} ${x%.c} $memory_mb", "echo ${memory_mbs} ${memory} ${x%.c} $memory_mb"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = figures_filled(cases[i][0], &limits);
        assert_string_equal(text, cases[i][1]);
        assert_true(figures_are_right(cases[i][0]));
        assert_int_equal(figures_in(cases[i][0]), strcmp(cases[i][0], cases[i][1]) != 0);
        free(text);
    }
}

static void the_largest_has_room(void **state)
{
    const struct cell_limits most = {.disk_mb = UINT32_MAX};
    char *text = figures_filled("${disk_mb*9999}${disk_mb}", &most);

    (void)state;
    assert_string_equal(text, "429453779827054294967295");
    free(text);
}

static void wrong(void **state)
{
    static const char *const cases[] = {
        "${memory_mb",
        "${memory_mb+1}",
        "${memory_mb*}",
        "${memory_mb*0}",
        "${memory_mb*10000}",
        "${memory_mb/2}",
        "${memory_mb*1/0}",
        "${memory_mb*1/}",
        "${memory_mb-}",
        "${memory_mb-0}",
        "${memory_mb*1.5}",
        "${memory_mb *2}",
        "${memory_mb:-512}",
        "${memory_mb-1*2}",
        "ok ${disk_mb} ${processes%x}",
        "${memory_mb*-1}",
        "${memory_mb }",
        "${memory_mb*2/3/4}",
        "${memory_mb*99999999999999999999}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (figures_are_right(cases[i]))
            fail_msg("%s", cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filled),
        cmocka_unit_test(the_largest_has_room),
        cmocka_unit_test(wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
