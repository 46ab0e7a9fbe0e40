/* If-None-Match. */
#include "http/etag.h"

#include "unit.h"

static void test_which_answers_a_client_has(void **state)
{
    static const struct {
        const char *header, *etag;
        bool fits;
    } cases[] = {
        {NULL, "\"a\"", false},
        {"", "\"a\"", false},
        {" , ", "\"a\"", false},
        {"\"a\"", "\"a\"", true},
        {"W/\"a\"", "\"a\"", true},
        {"\"a\"", "W/\"a\"", true},
        {"\"b\"", "\"a\"", false},
        {"\"ab\"", "\"a\"", false},
        {"a", "\"a\"", false},
        {"\"b\",\t W/\"a\"", "W/\"a\"", true},
        {"\"b\", \"c\"", "\"a\"", false},
        {"*", "\"a\"", true},
        {"W/", "\"a\"", false},
        {"W/,\"a\"", "\"a\"", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(http_etag_fits(cases[i].header, cases[i].etag), cases[i].fits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_which_answers_a_client_has)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
