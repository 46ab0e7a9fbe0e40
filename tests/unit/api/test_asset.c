/* The pages for browsers. */
#include "api/asset.h"
#include "api/fakes.h"

static const char text[] = "the page", packed[] = "in gzip!";
static const struct asset assets[] = {
    {"/docs", "text/html", "d0", text, text + 8, packed, packed + 8},
    {"/frame", "text/html", "f0", text, text + 8, packed, packed + 8},
    {"/page/a.js", "text/javascript", "a0", text, text + 4, packed, packed + 2},
    {.path = NULL},
};
static const struct http_route docs = {"GET", "/docs", api_asset, 0}, root = {"GET", "/", api_asset, 0},
                               frame = {"GET", "/frame", api_asset, 0}, file = {"GET", "/page/{file...}", api_asset, 0};

static int set_stage(void **state)
{
    (void)state;
    fake_api = (struct api){.assets = assets, .playground = true};
    return 0;
}

static void expect_asset(struct http_exchange ex, int status, const char *body, const char *header)
{
    api_asset(&ex);
    assert_non_null(strstr(ex.added, header));
    assert_int_equal(ex.status, status);
    assert_true(body == NULL || strcmp(ex.body, body) == 0);
    free(ex.body);
}

static void test_a_page_in_both_codings(void **state)
{
    (void)state;
    expect_asset((struct http_exchange){.route = &docs}, 200, "the page", "ETag: \"d0\"\n");
    expect_asset((struct http_exchange){.route = &docs, .headers = {{"Accept-Encoding", "gzip"}}}, 200, "in gzip!",
                 "Content-Encoding: gzip\n");
    expect_asset((struct http_exchange){.route = &file, .param = {"file", "a.js"}}, 200, "the ", "ETag: \"a0\"\n");
}

static void test_a_client_that_has_it(void **state)
{
    (void)state;
    struct http_exchange ex = {.route = &docs, .headers = {{"If-None-Match", "\"d0\""}}};
    expect_asset(ex, 304, NULL, "ETag: \"d0\"\n");
    ex.headers[1] = (struct pair){"Accept-Encoding", "gzip"}; /* these are other bytes */
    expect_asset(ex, 200, "in gzip!", "ETag: \"d0-gzip\"\n");
    ex.headers[0].value = "\"d0-gzip\"";
    expect_asset(ex, 304, NULL, "ETag: \"d0-gzip\"\n");
}

static void test_nothing_runs_that_is_not_of_this_server(void **state)
{
    (void)state;
    expect_asset((struct http_exchange){.route = &docs}, 200, NULL,
                 "Content-Security-Policy: default-src 'none'; script-src 'self';");
    expect_asset((struct http_exchange){.route = &docs}, 200, NULL, "X-Content-Type-Options: nosniff\n");
}

/* Only the playground may be a part of another page, and only if it is asked for as such. */
static void test_pages_around_it(void **state)
{
    (void)state;
    expect_asset((struct http_exchange){.route = &docs, .queries = {{"embed", "1"}}}, 200, NULL,
                 "frame-ancestors 'none'\n");
    fake_api.assets = &assets[3];
    expect_asset((struct http_exchange){.route = &root}, 200, NULL, "frame-ancestors 'none'\n");
    expect_asset((struct http_exchange){.route = &root, .queries = {{"embed", "0"}}}, 200, NULL,
                 "frame-ancestors 'none'\n");
    expect_asset((struct http_exchange){.route = &root, .queries = {{"embed", "1"}}}, 200, NULL, "frame-ancestors *\n");
}

/* What programs made is shown by an origin of its own, which reaches nothing. */
static void test_the_frame(void **state)
{
    (void)state;
    expect_asset((struct http_exchange){.route = &frame}, 200, NULL,
                 "Content-Security-Policy: sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline';");
    expect_asset((struct http_exchange){.route = &frame}, 200, NULL, "frame-ancestors 'self'\n");
    expect_asset((struct http_exchange){.route = &frame, .queries = {{"embed", "1"}}}, 200, NULL,
                 "frame-ancestors *\n");
}

static void test_without_a_playground(void **state)
{
    (void)state;
    fake_api.playground = false;
    fake_api.assets = &assets[3];
    static const char none[] = "{\"detail\":\"The playground is switched off on this server\"}";
    expect_asset((struct http_exchange){.route = &root}, 404, none, "");
    expect_asset((struct http_exchange){.route = &frame}, 404, none, "");
    expect_asset((struct http_exchange){.route = &docs}, 200, NULL, "Content-Security-Policy: default-src 'none';");
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    expect_asset((struct http_exchange){.route = &root}, 404, "{\"detail\":\"Not found\"}", "");
    expect_asset((struct http_exchange){.route = &file, .param = {"file", "b.js"}}, 404, NULL, "");
}

static void test_a_server_without_pages_says_so(void **state)
{
    (void)state;
    fake_api.assets = &assets[3];
    const struct http_route *const routes[] = {&docs, &root};
    for (size_t i = 0; i < 2; i++) {
        struct http_exchange ex = {.route = routes[i]};
        api_asset(&ex);
        assert_non_null(strstr(ex.body, "This Codecell server was built without its pages"));
        assert_int_equal(ex.status, 200);
        free(ex.body);
    }
    expect_asset((struct http_exchange){.route = &file, .param = {"file", "a.js"}}, 404, NULL, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_page_in_both_codings, set_stage),
        cmocka_unit_test_setup(test_a_client_that_has_it, set_stage),
        cmocka_unit_test_setup(test_nothing_runs_that_is_not_of_this_server, set_stage),
        cmocka_unit_test_setup(test_pages_around_it, set_stage),
        cmocka_unit_test_setup(test_the_frame, set_stage),
        cmocka_unit_test_setup(test_without_a_playground, set_stage),
        cmocka_unit_test_setup(test_what_is_not_there, set_stage),
        cmocka_unit_test_setup(test_a_server_without_pages_says_so, set_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
