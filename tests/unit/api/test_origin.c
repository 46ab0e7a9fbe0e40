/* Which requests come from pages of other servers. */
#include "api/origin.h"

#include "unit.h"

static void test_by_table(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *host;
        bool foreign;
    } cases[] = {
        {NULL, "a:8002", false},
        {NULL, NULL, false},
        {"http://a:8002", "a:8002", false},
        {"http://A:8002", "a:8002", false},
        {"http://a", "a", false},
        {"http://a", "a:80", false},
        {"http://a:80", "a", false},
        {"https://a", "a:443", false},
        {"https://a:443", "a", false},
        {"http://[::1]:8002", "[::1]:8002", false},
        {"http://[::1]", "[::1]:80", false},
        {"https://a", "a:80", true},
        {"http://a", "a:443", true},
        {"http://a:8003", "a:8002", true},
        {"http://a", "a:8002", true},
        {"http://b:8002", "a:8002", true},
        {"http://a.b:8002", "a:8002", true},
        {"http://a:8002.b", "a:8002", true},
        {"http://a", NULL, true},
        {"null", "null", true},
        {"", "a", true},
        {"http://", "", true},
        {"http://", "a", true},
        {"a:8002", "a:8002", true},
        {"file://", "a", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (origin_is_foreign(cases[i].origin, cases[i].host) != cases[i].foreign)
            fail_msg("%s at %s: not %s", cases[i].origin, cases[i].host, cases[i].foreign ? "foreign" : "our own");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
