/* The lists that engine and agent share: what a reader of them counts on. */
#include "unit.h"

#include "docker/wire/confine.h"

#include <stdlib.h>
#include <string.h>

/* Each path is below `top`, has no slash at its end and no "..", and the list is in order, so that no path comes twice.
 */
static void check_paths(const char *const *list, const char *top)
{
    assert_non_null(list[0]);
    for (size_t i = 0; list[i] != NULL; i++) {
        assert_int_equal(strncmp(list[i], top, strlen(top)), 0);
        assert_true(strlen(list[i]) > strlen(top));
        assert_int_not_equal(list[i][strlen(list[i]) - 1], '/');
        assert_null(strstr(list[i], ".."));
        if (i > 0)
            assert_true(strcmp(list[i - 1], list[i]) < 0);
    }
}

static void test_paths(void **state)
{
    (void)state;
    check_paths(confine_proc_masked, "/proc/");
    check_paths(confine_proc_readonly, "/proc/");
    check_paths(confine_sys_masked, "/sys/");
}

/* Every name is one of a network namespace: any other the engine would refuse. */
static void test_sysctls(void **state)
{
    (void)state;
    for (const struct confine_sysctl *one = confine_sysctls; one->name != NULL; one++) {
        assert_int_equal(strncmp(one->name, "net.", 4), 0);
        assert_null(strchr(one->name, '/'));
        assert_true(strtol(one->value, NULL, 10) > 0);
        for (const struct confine_sysctl *other = one + 1; other->name != NULL; other++)
            assert_string_not_equal(one->name, other->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paths), cmocka_unit_test(test_sysctls)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
