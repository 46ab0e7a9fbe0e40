/* Which route a path means. */
#include "unit.h"

#include "http/request_target.h"
#include "http/router.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct http_route routes[] = {
    {"GET", "/", NULL, 0},
    {"GET", "/a/{x}", NULL, 1},
    {"GET", "/a/fixed", NULL, 2},
    {"POST", "/a/{x}", NULL, 3},
    {"DELETE", "/a/fixed", NULL, 4},
    {"GET", "/{any}/fixed", NULL, 5},
    {"GET", "/f/{path...}", NULL, 6},
    {"GET", "/f/{x}/info", NULL, 7},
    {"PUT", "/s/{id}/files/{path...}", NULL, 8},
    {NULL, NULL, NULL, 0},
};

static const struct {
    const char *method, *target;
    int route; /* its flags; -1: none */
    const char *allow;
    const char *name, *value; /* of a parameter */
} table[] = {
    {"GET", "/", 0, "", NULL, NULL},
    {"HEAD", "/", 0, "", NULL, NULL},
    {"GET", "/a/b", 1, "", "x", "b"},
    {"GET", "/a/b/", 1, "", "x", "b"},
    {"GET", "/a/b%2Fc%20d", 1, "", "x", "b/c d"},
    {"GET", "/%61/fixed", 2, "", NULL, NULL},
    {"GET", "/a/fixed?x=/b", 2, "", NULL, NULL},
    {"POST", "/a/fixed", 3, "", "x", "fixed"},
    {"DELETE", "/a/fixed", 4, "", NULL, NULL},
    {"GET", "/b/fixed", 5, "", "any", "b"},
    {"GET", "/f/x", 6, "", "path", "x"},
    {"GET", "/f/x/y%2Fz/w/", 6, "", "path", "x/y/z/w"},
    {"GET", "/f/x/info", 7, "", "x", "x"},
    {"PUT", "/s/1/files/a/b", 8, "", "path", "a/b"},
    {"PUT", "/s/1/files/a/b", 8, "", "id", "1"},
    {"PUT", "/a/b", -1, "GET, HEAD, POST, OPTIONS", NULL, NULL},
    {"OPTIONS", "/a/fixed", -1, "GET, HEAD, POST, DELETE, OPTIONS", NULL, NULL},
    {"OPTIONS", "*", -1, "GET, HEAD, POST, PUT, DELETE, OPTIONS", NULL, NULL},
    {"TRACE", "/", -1, "GET, HEAD, OPTIONS", NULL, NULL},
    {"GET", "/a", -1, "", NULL, NULL},
    {"GET", "/a/", -1, "", NULL, NULL},
    {"GET", "/a//", -1, "", NULL, NULL},
    {"GET", "//", -1, "", NULL, NULL},
    {"GET", "/a/b/c", -1, "", NULL, NULL},
    {"GET", "/A/fixed/", 5, "", "any", "A"},
    {"GET", "/f/", -1, "", NULL, NULL},
    {"GET", "/s/1/files/", -1, "", NULL, NULL},
};

static void paths_find_their_routes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct http_target target;
        struct http_match match;
        enum error_code code;
        assert_null(http_target_parse(&target, table[i].target, strcmp(table[i].method, "OPTIONS") == 0, &code));
        http_router_find(&match, routes, table[i].method, &target);
        int route = match.route == NULL ? -1 : (int)match.route->flags;
        if (route != table[i].route)
            fail_msg("%s %s: route %d", table[i].method, table[i].target, route);
        assert_string_equal(match.allow, table[i].allow);
        bool found = table[i].name == NULL;
        for (unsigned p = 0; p < match.count && !found; p++) {
            found = strlen(table[i].name) == match.params[p].name_len &&
                    memcmp(table[i].name, match.params[p].name, match.params[p].name_len) == 0;
            if (found)
                assert_string_equal(match.params[p].value, table[i].value);
        }
        assert_true(found);
        http_target_free(&target);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(paths_find_their_routes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
