/* What pages of other origins are told. */
#include "api/cors.h"

#include "api/fakes.h"

#define LIST "https://a.example, http://localhost:3000"

struct asked {
    const char *setting, *origin, *method, *names, *allowed;
    const char *added; /* the headers */
};

static const struct asked table[] = {
    {"", "https://a.example", NULL, NULL, NULL, ""},
    {"", "https://a.example", "POST", NULL, "GET, OPTIONS", ""},
    {"*", NULL, NULL, NULL, NULL, "Access-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: *\n"},
    {"*", "null", NULL, NULL, NULL, "Access-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: *\n"},
    {LIST, NULL, NULL, NULL, NULL, "Vary: Origin\n"},
    {LIST, "https://evil.example", NULL, NULL, NULL, "Vary: Origin\n"},
    {LIST, "https://evil.example", "POST", "x-api-key", "GET, OPTIONS", "Vary: Origin\n"},
    {LIST, "http://localhost:3000", NULL, NULL, NULL,
     "Vary: Origin\nAccess-Control-Allow-Origin: http://localhost:3000\nAccess-Control-Expose-Headers: *\n"},
    {LIST, "https://a.example", "POST", "content-type,x-api-key", "POST, OPTIONS",
     "Vary: Origin\nAccess-Control-Allow-Origin: https://a.example\nAccess-Control-Allow-Methods: POST, OPTIONS\n"
     "Access-Control-Allow-Headers: content-type,x-api-key\nAccess-Control-Max-Age: 600\n"},
    {"*", "https://b.example", "GET", NULL, "GET, HEAD, OPTIONS",
     "Access-Control-Allow-Origin: *\nAccess-Control-Allow-Methods: GET, HEAD, OPTIONS\n"
     "Access-Control-Max-Age: 600\n"},
    {"*", "https://b.example", "GET", "x: y", "GET, OPTIONS",
     "Access-Control-Allow-Origin: *\nAccess-Control-Allow-Methods: GET, OPTIONS\nAccess-Control-Max-Age: 600\n"},
    /* No such path: there is nothing to allow. */
    {"*", "https://b.example", "GET", NULL, "", "Access-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: *\n"},
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct http_exchange ex = {.headers = {{"Origin", table[i].origin},
                                               {"Access-Control-Request-Method", table[i].method},
                                               {"Access-Control-Request-Headers", table[i].names}},
                                   .allowed = table[i].allowed};
        fake_api.cors = table[i].setting;
        api_cors(&ex);
        assert_string_equal(ex.added, table[i].added);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_true(cors_are_names("X-API-Key, content-type"));
    assert_true(cors_are_names(""));
    assert_false(cors_are_names("a\"b"));
    assert_false(cors_are_names("a: b"));
    assert_false(cors_are_names("a\tb"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
