/* GET /openapi.json, with some of the routes: what the document says and when it is made anew. */
#include "api/fakes.h"

#include <sys/stat.h>

static const struct http_route some_routes[] = {
    {"POST", "/api/v1/execute", NULL, API_KEY | API_EXECUTE | API_COUNTS},
    {"GET", "/api/v1/executions", NULL, API_KEY | API_READ},
    {"GET", "/api/v1/connect", NULL, API_KEY | API_EXECUTE | API_LATER},
    {"PUT", "/api/v1/sessions/{id}/files/{path...}", NULL, API_KEY | API_EXECUTE | API_FLOWS},
    {"PUT", "/api/v1/sessions/{id}/archive", NULL, API_KEY | API_EXECUTE | API_FLOWS},
    {"GET", "/health", NULL, 0},
    {"GET", "/page/{file...}", NULL, 0},
    {.method = NULL},
};
static const struct http_route document_route = {"GET", "/openapi.json", api_openapi, 0};

static const char language_file[] =
    "{\"id\":\"%s\",\"name\":\"N\",\"aliases\":[],\"file\":\"f\",\"run\":{\"argv\":[\"x\"]},"
    "\"version\":{\"argv\":[\"x\"]},\"example\":{\"code\":\"program of %s\",\"stdin\":\"in\",\"stdout\":\"o\"}}";

static void put_language(const char *id)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", fake_dir, id);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/%s/language.json", fake_dir, id);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, language_file, id, id);
    fclose(file);
}

/* Two languages, of which none is offered. */
static int set_stage(void **state)
{
    if (fake_setup(state) != 0)
        return -1;
    struct error error;
    put_language("aa");
    put_language("python");
    fake_api.routes = some_routes;
    fake_api.maxima = limits_defaults;
    fake_api.max_code = 1000;
    fake_api.max_stdin = 2000;
    return catalog_load(&fake_api.languages, fake_dir, &limits_defaults, &limits_defaults, NULL, NULL, &error);
}

static int clear_stage(void **state)
{
    openapi_free(&fake_api.openapi);
    return fake_teardown(state);
}

static void set_offered(size_t i, bool offered)
{
    catalog_at(fake_api.languages, i)->versions->offered = offered;
}

/* The ETag of the next answer; *document: what it says, or NULL after a 304. */
static void ask(const char *has, int status, char etag[64], json_t **document)
{
    struct http_exchange ex = {.route = &document_route, .headers = {{"If-None-Match", has}}};

    api_openapi(&ex);
    fake_await(&ex);
    const char *at = strstr(ex.added, "ETag: ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "ETag: %63s", etag), 1);
    *document = ex.body != NULL ? json_loads(ex.body, JSON_REJECT_DUPLICATES, NULL) : NULL;
    fake_expect(&ex, status, NULL);
}

static json_t *at_path(json_t *value, const char *const *names)
{
    for (; *names != NULL; names++)
        value = json_object_get(value, *names);
    return value;
}

#define AT(value, ...) at_path((value), (const char *const[]){__VA_ARGS__, NULL})

/* Each reference leads to a component. */
static void expect_references(json_t *document, json_t *value)
{
    const char *name, *path = json_string_value(json_object_get(value, "$ref"));
    json_t *member;
    size_t i;

    if (path != NULL) {
        char kind[32], component[64];
        assert_int_equal(sscanf(path, "#/components/%31[^/]/%63s", kind, component), 2);
        if (AT(document, "components", kind, component) == NULL)
            fail_msg("%s is not there", path);
    }
    json_object_foreach (value, name, member)
        expect_references(document, member);
    json_array_foreach (value, i, member)
        expect_references(document, member);
}

/* A request may come without the key. */
static void expect_later_key(json_t *document)
{
    json_t *security = AT(document, "paths", "/api/v1/connect", "get", "security");

    assert_int_equal(json_array_size(security), 3);
    assert_int_equal(json_object_size(json_array_get(security, 2)), 0);
}

static void expect_file(json_t *document)
{
    json_t *put = AT(document, "paths", "/api/v1/sessions/{id}/files/{path}", "put");
    json_t *content = AT(document, "paths", "/api/v1/sessions/{id}/archive", "put", "requestBody", "content");

    assert_non_null(AT(put, "requestBody", "content", "application/octet-stream", "example"));
    assert_non_null(AT(put, "responses", "201", "headers", "Location"));
    assert_null(AT(put, "responses", "204", "headers", "Location"));
    assert_non_null(AT(content, "application/gzip", "schema"));
    assert_null(AT(content, "application/gzip", "example"));
}

static void test_the_document(void **state)
{
    char etag[64];
    json_t *document;

    (void)state;
    set_offered(1, true);
    ask(NULL, 200, etag, &document);
    assert_string_equal(json_string_value(AT(document, "openapi")), "3.1.0");
    expect_references(document, document);
    json_t *execute = AT(document, "paths", "/api/v1/execute", "post");
    json_t *example = AT(execute, "requestBody", "content", "application/json", "example");
    assert_string_equal(json_string_value(AT(example, "code")), "program of python");
    assert_non_null(AT(execute, "responses", "402"));
    assert_null(AT(document, "paths", "/health", "get", "responses", "401"));
    assert_non_null(AT(document, "paths", "/page/{file}", "get"));
    json_t *code = AT(document, "components", "schemas", "ExecuteRequest", "properties", "code");
    assert_int_equal(json_integer_value(AT(code, "maxLength")), 1000);
    assert_null(AT(document, "components", "schemas", "ExecuteRequest", "properties", "webhook"));
    assert_non_null(AT(document, "components", "schemas", "AsyncRequest", "properties", "webhook"));
    assert_non_null(AT(document, "components", "schemas", "ExecuteRequest", "properties", "stream"));
    assert_null(AT(document, "components", "schemas", "AsyncRequest", "properties", "stream"));
    expect_later_key(document);
    expect_file(document);
    json_decref(document);
}

static void expect_ids(json_t *document, const char *const *ids)
{
    json_t *list = AT(document, "components", "schemas", "LanguageId", "enum");
    size_t count = 0;

    for (; ids[count] != NULL; count++)
        assert_string_equal(json_string_value(json_array_get(list, count)), ids[count]);
    assert_int_equal(json_array_size(list), count);
    json_decref(document);
}

/* The document is made anew if the offer is another, and has the same ETag whenever it says the same. */
static void test_it_follows_the_offer(void **state)
{
    char none[64], one[64], both[64], again[64];
    json_t *document;

    (void)state;
    ask(NULL, 200, none, &document);
    assert_null(AT(document, "components", "schemas", "LanguageId", "enum"));
    json_decref(document);
    set_offered(0, true);
    ask(none, 200, one, &document);
    expect_ids(document, (const char *const[]){"aa", NULL});
    set_offered(1, true);
    ask(one, 200, both, &document);
    expect_ids(document, (const char *const[]){"aa", "python", NULL});
    assert_string_not_equal(one, both);
    ask(both, 304, again, &document);
    assert_null(document);
    set_offered(1, false);
    ask(both, 200, again, &document);
    assert_string_equal(again, one);
    json_decref(document);
}

static void test_it_follows_the_limits(void **state)
{
    char before[64], after[64];
    json_t *document;

    (void)state;
    ask(NULL, 200, before, &document);
    json_decref(document);
    fake_api.maxima.cell.milli_cpus = 500;
    ask(before, 200, after, &document);
    json_t *limits = AT(document, "components", "schemas", "ExecuteRequest", "properties", "limits", "properties");
    assert_true(json_number_value(AT(limits, "cpu", "maximum")) == 0.5);
    json_decref(document);
}

static void test_paths(void **state)
{
    char path[OPENAPI_PATH_MAX];

    (void)state;
    openapi_path("/a/{id}/b", path);
    assert_string_equal(path, "/a/{id}/b");
    openapi_path("/a/{rest...}", path);
    assert_string_equal(path, "/a/{rest}");
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, set_stage, clear_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(test_the_document),
        STAGED(test_it_follows_the_offer),
        STAGED(test_it_follows_the_limits),
        cmocka_unit_test(test_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
