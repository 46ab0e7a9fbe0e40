/* Lists of origins: which are lists, and which origins they have. */
#include "base/origins.h"

#include "unit.h"

#include <stddef.h>

static void lists_are_checked(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "*",
                                       "https://a.example",
                                       "http://localhost:3000",
                                       "http://127.0.0.1:1",
                                       "http://[::1]:65535",
                                       "http://[2001:db8::1]",
                                       "chrome-extension://abcdefgh",
                                       "https://a.example,https://b.example",
                                       " https://a.example ,  https://b.example, "};
    static const char *const bad[] = {"a.example",
                                      "https://",
                                      "://a",
                                      "https:/a",
                                      "https://a/",
                                      "https://a/path",
                                      "https://a?b",
                                      "https://a:",
                                      "https://a:0",
                                      "https://a:65536",
                                      "https://a:100000",
                                      "https://a:3000x",
                                      "https://u@a",
                                      "https://*.example",
                                      "*,https://a",
                                      "https://a,b",
                                      "null",
                                      "http://[::1",
                                      "http://[]",
                                      "http://::1",
                                      "1http://a",
                                      "https://a\r\nX: y",
                                      "https://a b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!origins_are_valid(good[i]))
            fail_msg("good: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (origins_are_valid(bad[i]))
            fail_msg("bad: %s", bad[i]);
}

static void lists_have_whole_origins(void **state)
{
    (void)state;
    static const char list[] = "https://a.example, http://localhost:3000";
    assert_true(origins_have(list, "https://a.example"));
    assert_true(origins_have(list, "HTTPS://A.example"));
    assert_true(origins_have(list, "http://localhost:3000"));
    static const char *const others[] = {NULL,
                                         "",
                                         "null",
                                         "https://a.example.evil",
                                         "https://a.exampl",
                                         "http://a.example",
                                         "https://a.example:443",
                                         "http://localhost",
                                         "https://a.example, http://localhost:3000",
                                         "*"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(origins_have(list, others[i]));
        assert_false(origins_have("", others[i]));
        assert_true(origins_have("*", others[i]));
    }
    assert_true(origins_are_all("*"));
    assert_false(origins_are_all(list));
    assert_false(origins_are_all(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_checked),
        cmocka_unit_test(lists_have_whole_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
