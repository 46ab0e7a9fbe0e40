/* Languages, readiness and metrics. */
#include "api/fakes.h"
#include "base/process_metrics.h"

#include <sys/stat.h>
#include <unistd.h>

static const struct http_route ready_route = {"GET", "/ready", api_ready, 0};

static const char language_file[] =
    "{\"id\":\"%s\",\"name\":\"N\",\"aliases\":[\"%s-alias\"],\"file\":\"f\",\"run\":{\"argv\":[\"x\"]},"
    "\"version\":{\"argv\":[\"x\"]},\"example\":{\"code\":\"c\",\"stdout\":\"o\"}}";

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

static void set_offered(bool offered)
{
    catalog_at(fake_api.languages, 0)->versions->offered = offered;
    catalog_at(fake_api.languages, 2)->versions->offered = offered;
}

/* Three languages, of which aa and cc are offered. */
static int set_stage(void **state)
{
    if (fake_setup(state) != 0)
        return -1;
    struct error error;
    put_language("aa");
    put_language("bb");
    put_language("cc");
    if (catalog_load(&fake_api.languages, fake_dir, &limits_defaults, &limits_defaults, NULL, NULL, &error) != 0)
        return -1;
    set_offered(true);
    return 0;
}

static void expect(http_handler *handler, const char *id, int status, const char *body)
{
    struct http_exchange ex = {.route = &ready_route, .param = {"id", id}};
    handler(&ex);
    fake_await(&ex);
    fake_expect(&ex, status, body);
}

static void test_only_what_is_offered_is_listed(void **state)
{
    (void)state;
    expect(api_languages_ids, NULL, 200, "[\"aa\",\"cc\"]");
    struct http_exchange ex = {.route = &ready_route};
    api_languages_list(&ex);
    fake_drain(&ex);
    assert_non_null(strstr(ex.body, "{\"languages\":[{\"id\":\"aa\","));
    assert_non_null(strstr(ex.body, "{\"id\":\"cc\","));
    assert_null(strstr(ex.body, "bb"));
    fake_expect(&ex, 200, NULL);
}

/* The pieces are together what one text was. */
static void test_the_list_is_its_languages(void **state)
{
    (void)state;
    struct http_exchange ex = {.route = &ready_route};
    api_languages_list(&ex);
    fake_drain(&ex);
    json_t *array = json_array();
    struct language_version *version;
    json_array_append_new(array, language_json(catalog_find(fake_api.languages, "aa", &version)));
    json_array_append_new(array, language_json(catalog_find(fake_api.languages, "cc", &version)));
    json_t *whole = json_pack("{so}", "languages", array);
    size_t len;
    char *text = json_text(whole, &len);
    json_decref(whole);
    fake_expect(&ex, 200, text);
    free(text);
}

static void test_a_client_that_leaves_within_the_list(void **state)
{
    (void)state;
    struct http_exchange ex = {.route = &ready_route};
    api_languages_list(&ex);
    assert_int_equal(ex.status, 0);
    ex.gone(ex.gone_arg);
    free(ex.body);
}

static void test_one_language(void **state)
{
    (void)state;
    static const char *const names[] = {"aa", "AA", "aa-Alias"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct http_exchange ex = {.route = &ready_route, .param = {"id", names[i]}};
        api_languages_get(&ex);
        assert_non_null(strstr(ex.body, "{\"id\":\"aa\","));
        fake_expect(&ex, 200, NULL);
    }
    expect(api_languages_get, "bb", 404, "{\"detail\":\"Language not found\"}");
    expect(api_languages_get, "zz", 404, "{\"detail\":\"Language not found\"}");
}

#define READY(status, database, engine, languages, server)                                                 \
    "{\"status\":\"" status "\",\"version\":\"" CODECELL_VERSION "\",\"checks\":{\"database\":\"" database \
    "\",\"engine\":\"" engine "\",\"languages\":\"" languages "\",\"server\":\"" server                    \
    "\"," ISOLATION("unavailable") "}}"
#define ISOLATION(name) "\"isolation\":\"" name "\""

static void test_ready(void **state)
{
    (void)state;
    expect(api_ready, NULL, 200, READY("ok", "ok", "ok", "ok", "ok"));
    fake_engine_up = false;
    expect(api_ready, NULL, 503, READY("unavailable", "ok", "unavailable", "ok", "ok"));
    fake_engine_up = true;
    fake_can_make = false; /* as it has just come up */
    expect(api_ready, NULL, 503, READY("unavailable", "ok", "unavailable", "ok", "ok"));
    fake_can_make = true;
    fake_api.draining = true;
    expect(api_ready, NULL, 503, READY("unavailable", "ok", "ok", "ok", "unavailable"));
    fake_api.draining = false;
    set_offered(false);
    struct http_exchange ex = {.route = &ready_route};
    api_ready(&ex);
    fake_await(&ex);
    assert_string_equal(ex.added, "Retry-After: 1\n");
    fake_expect(&ex, 503, READY("unavailable", "ok", "ok", "unavailable", "ok"));
}

static int lose_a_table(struct db *db, struct error *error)
{
    return db_driver(db)->calls->run_script(db_driver(db), "ALTER TABLE executions RENAME TO gone", error);
}

static uint64_t much_later(void)
{
    return seam_system.monotonic_ns() + UINT64_C(60000000000);
}

/* The reason is there only if another isolation was asked for. */
static void test_ready_tells_the_isolation(void **state)
{
    static const struct {
        struct pool_isolation is;
        const char *expected;
    } cases[] = {
        {{.chosen = true, .asked = true, .capsules = true, .reason = "good"}, ISOLATION("capsule") "}}"},
        {{.chosen = true, .reason = "asked"}, ISOLATION("container") "}}"},
        {{.chosen = true, .asked = true, .reason = "EPERM"},
         "\"isolation_reason\":\"EPERM\"," ISOLATION("container") "}}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_exchange ex = {.route = &ready_route};
        fake_isolation = cases[i].is;
        api_ready(&ex);
        fake_await(&ex);
        fake_isolation = (struct pool_isolation){0};
        assert_non_null(strstr(ex.body, cases[i].expected));
        fake_expect(&ex, 200, NULL);
    }
}

/* What was proved a while ago is proved again. */
static void test_ready_means_that_a_record_can_be_written(void **state)
{
    (void)state;
    static struct seam later; /* the store's thread looks at it until it ends */
    later = *seam();
    expect(api_ready, NULL, 200, READY("ok", "ok", "ok", "ok", "ok"));
    fake_store(lose_a_table);
    later.monotonic_ns = much_later;
    seam_set(&later);
    expect(api_ready, NULL, 503, READY("unavailable", "unavailable", "ok", "ok", "ok"));
    expect(api_ready, NULL, 503, READY("unavailable", "unavailable", "ok", "ok", "ok"));
}

static void test_health_asks_nobody(void **state)
{
    (void)state;
    fake_engine_up = false;
    expect(api_health, NULL, 200,
           "{\"status\":\"ok\",\"version\":\"" CODECELL_VERSION "\",\"checks\":{\"server\":\"ok\"}}");
}

static void test_a_probe_whose_client_left(void **state)
{
    (void)state;
    struct http_exchange *ex = calloc(1, sizeof *ex);
    api_ready(ex);
    ex->gone(ex->gone_arg);
    free(ex);
    fake_settle();
}

static void test_metrics(void **state)
{
    (void)state;
    struct http_exchange refused = {.route = &ready_route}, gone = {.route = NULL};
    http_respond_error(&refused, 429, "no");
    fake_expect(&refused, 429, NULL);
    api_exchange_done(&gone, 0, 1);
    struct http_exchange ex = {.route = &ready_route};
    api_metrics(&ex);
    static const char *const lines[] = {
        "\ncodecell_pool_cells{language=\"aa\",state=\"ready\"} 4\n",
        "\ncodecell_pool_cells{language=\"aa\",state=\"prewarmed\"} 3\n",
        "\ncodecell_pool_cells{language=\"aa\",state=\"kept\"} 1\n",
        "\ncodecell_pool_cells{language=\"aa\",state=\"target\"} 5\n",
        "\ncodecell_pool_cells{language=\"cc\",state=\"ready\"} 0\n",
        "\ncodecell_executions_queued 7\n",
        "\ncodecell_executions_running 2\n",
        "\ncodecell_http_connections 3\n",
        "\ncodecell_engine_up 1\n",
        "\n# TYPE process_cpu_seconds_total counter\n",
        "\nprocess_resident_memory_bytes ",
        "\nprocess_open_fds ",
        "\nprocess_max_fds ",
        "\nprocess_start_time_seconds ",
        "\ncodecell_rejections_total{reason=\"rate\"} 1\n",
        "\ncodecell_http_requests_total{method=\"GET\",route=\"/ready\",status=\"429\"} 1\n",
        "\ncodecell_http_requests_total{method=\"other\",route=\"none\",status=\"gone\"} 1\n",
        "\ncodecell_http_request_seconds_count{route=\"/ready\"} 1\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (strstr(ex.body, lines[i]) == NULL)
            fail_msg("no %s in:\n%s", lines[i], ex.body);
    assert_null(strstr(ex.body, "language=\"bb\""));
    fake_expect(&ex, 200, NULL);
}

static void test_process_facts(void **state)
{
    (void)state;
    struct process_facts before = process_read();
    int fd = dup(0);
    struct process_facts after = process_read();
    close(fd);
    assert_true(after.open_fds == before.open_fds + 1);
    assert_true(before.max_fds >= before.open_fds);
    assert_true(before.resident_bytes > 1e5 && before.resident_bytes < before.virtual_bytes);
    double now = (double)seam_system.wall_ns() / 1e9;
    assert_true(before.start_seconds <= now + 2 && before.start_seconds > now - 3600);
    assert_true(before.cpu_seconds >= 0 && after.cpu_seconds >= before.cpu_seconds);
}

static void test_internal_errors_are_not_told(void **state)
{
    (void)state;
    struct http_exchange ex = {.route = &ready_route}, away = {.route = &ready_route};
    struct error error;
    error_set(&error, ERROR_INTERNAL, "/secret/path is broken");
    api_respond_error(&ex, &error);
    fake_expect(&ex, 500, "{\"detail\":\"Internal error\"}");
    error_set(&error, ERROR_UNAVAILABLE, "the queue is full");
    api_respond_error(&away, &error);
    assert_string_equal(away.added, "Retry-After: 1\n");
    fake_expect(&away, 503, "{\"detail\":\"the queue is full\"}");
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, set_stage, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(test_only_what_is_offered_is_listed),
        STAGED(test_the_list_is_its_languages),
        STAGED(test_a_client_that_leaves_within_the_list),
        STAGED(test_one_language),
        STAGED(test_ready),
        STAGED(test_ready_tells_the_isolation),
        STAGED(test_ready_means_that_a_record_can_be_written),
        STAGED(test_health_asks_nobody),
        STAGED(test_a_probe_whose_client_left),
        STAGED(test_metrics),
        cmocka_unit_test(test_process_facts),
        STAGED(test_internal_errors_are_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
