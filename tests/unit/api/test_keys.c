/* The handlers of keys and of usage on a real database. */
#include "api/keys.h"
#include "api/usage.h"

#include "api/fakes.h"

static const struct http_route manage_route = {"POST", "/manage", NULL, API_KEY | API_ADMIN};
static const struct http_route read_route = {"GET", "/read", NULL, API_KEY | API_READ};

static struct http_exchange admitted(const struct http_route *route, const char *key)
{
    struct http_exchange ex = {.route = route, .headers = {{"X-API-Key", key}, {"Content-Type", "application/json"}}};
    api_admit(&ex);
    fake_settle();
    assert_true(ex.admitted);
    return ex;
}

/* What the handler answers with this status to an admin. */
static json_t *ask(http_handler *handler, const char *id, const char *body, int status)
{
    struct http_exchange ex = admitted(&manage_route, fake_admin_key);
    ex.param = (struct pair){"id", id};
    ex.request_body = body;
    handler(&ex);
    fake_await(&ex);
    struct error error;
    json_t *answer = json_parse(ex.body, strlen(ex.body), &error);
    assert_non_null(answer);
    if (status == 201)
        assert_non_null(strstr(ex.added, "Location: /api/v1/keys/"));
    fake_expect(&ex, status, NULL);
    return answer;
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void assert_json(const json_t *value, const char *expected)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_string_equal(text, expected);
    free(text);
}

static void test_only_an_admin_is_let_in(void **state)
{
    (void)state;
    const char *const keys[] = {fake_key, fake_reader_key};
    for (size_t i = 0; i < 2; i++) {
        struct http_exchange ex = {.route = &manage_route, .headers = {{"X-API-Key", keys[i]}}};
        api_admit(&ex);
        fake_await(&ex);
        fake_expect(&ex, 403, "{\"detail\":\"This key may not manage keys\"}");
    }
}

static void test_a_key_from_its_beginning_to_its_end(void **state)
{
    (void)state;
    char id[KEY_PUBLIC_LEN + 1], text[KEY_TEXT_LEN + 1];
    json_t *made = ask(api_keys_create, NULL, "{\"name\": \"n\", \"credits\": 2, \"extra\": 1}", 201);
    snprintf(id, sizeof id, "%s", text_of(made, "key_id"));
    snprintf(text, sizeof text, "%s", text_of(made, "key"));
    assert_int_equal(strlen(text), 43);
    assert_memory_equal(text + 3, id, KEY_PUBLIC_LEN);
    assert_json(json_object_get(made, "scopes"), "[\"execute\",\"read\"]");
    assert_json(json_object_get(made, "rate_per_minute"), "100");
    assert_json(json_object_get(made, "warnings"), "[\"unknown field: extra\"]");
    json_decref(made);

    struct http_exchange ex = admitted(&read_route, text);
    http_respond(&ex, 200, "application/json", strdup("{}"), 2);
    fake_expect(&ex, 200, NULL);

    json_t *changed = ask(api_keys_change, id, "{\"credits\": {\"add\": 3}, \"scopes\": [\"read\"]}", 200);
    assert_json(json_object_get(changed, "credits"), "5");
    assert_null(json_object_get(changed, "key"));
    json_decref(changed);
    json_t *read = ask(api_keys_get, id, NULL, 200);
    assert_json(json_object_get(read, "scopes"), "[\"read\"]");
    assert_json(json_object_get(read, "revoked_at"), "null");
    json_decref(read);

    json_t *gone = ask(api_keys_revoke, id, NULL, 200);
    char sentence[64];
    snprintf(sentence, sizeof sentence, "Key %s revoked", id);
    assert_string_equal(text_of(gone, "message"), sentence);
    json_decref(gone);
    json_decref(ask(api_keys_revoke, id, NULL, 200));
    json_decref(ask(api_keys_change, id, "{}", 409));
    read = ask(api_keys_get, id, NULL, 200);
    assert_string_equal(text_of(read, "revoked_at"), "2023-11-14T22:13:20.000Z");
    json_decref(read);
    struct http_exchange refused = {.route = &read_route, .headers = {{"X-API-Key", text}}};
    api_admit(&refused);
    fake_await(&refused);
    fake_expect(&refused, 401, NULL);
}

static void test_a_wrong_body_makes_nothing(void **state)
{
    (void)state;
    json_decref(ask(api_keys_create, NULL, "{}", 400));
    json_decref(ask(api_keys_create, NULL, "{\"name\": \"n\", \"rate_per_minute\": 0}", 400));
    json_decref(ask(api_keys_create, NULL, "{\"name\": \"n\", \"expires_at\": \"2020-01-01T00:00:00Z\"}", 400));
    json_decref(ask(api_keys_create, NULL, "{\"name\": \"a\\u0007\"}", 400));
    json_decref(ask(api_keys_change, "nobody00", "{}", 404));
    json_decref(ask(api_keys_get, "nobody00", NULL, 404));
    json_decref(ask(api_keys_revoke, "nobody00", NULL, 404));
    json_t *list = ask(api_keys_list, NULL, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(list, "items")), 4);
    assert_string_equal(text_of(json_array_get(json_object_get(list, "items"), 0), "name"), "admin");
    json_decref(list);
}

/* The key is made all the same, and nobody has its secret. */
static void test_a_client_that_leaves(void **state)
{
    (void)state;
    struct http_exchange *ex = calloc(1, sizeof *ex);
    *ex = admitted(&manage_route, fake_admin_key);
    ex->request_body = "{\"name\": \"orphan\"}";
    api_keys_create(ex);
    ex->gone(ex->gone_arg);
    api_exchange_done(ex, 0, 1000);
    free(ex);
    fake_settle();
    json_t *list = ask(api_keys_list, NULL, NULL, 200);
    assert_string_equal(text_of(json_array_get(json_object_get(list, "items"), 0), "name"), "orphan");
    json_decref(list);
}

/* Usage. */

static void test_days(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t day; /* -1: it is none */
    } table[] = {{"1970-01-01", 0},  {"2026-11-29", 20786}, {"2024-02-29", 19782}, {"2023-02-29", -1},
                 {"2026-13-01", -1}, {"2026-1-01", -1},     {"20261129", -1},      {"2026-11-29T", -1},
                 {"", -1},           {"2026/11/29", -1},    {"2026-11-29 ", -1}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t day = -1;
        char text[USAGE_DAY_LEN + 1];
        assert_int_equal(usage_parse_day(table[i].text, &day), table[i].day < 0 ? -1 : 0);
        assert_int_equal(day, table[i].day);
        if (day < 0)
            continue;
        usage_day_text(day, text);
        assert_string_equal(text, table[i].text);
    }
}

static void test_a_range_of_days(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        int64_t first, last;
        const char *sentence;
    } table[] = {
        {NULL, NULL, 20786 - 29, 20786, NULL},
        {NULL, "1970-02-01", 2, 31, NULL},
        {"2026-11-29", NULL, 20786, 20786, NULL},
        {"2025-11-29", "2026-11-29", 20421, 20786, NULL},
        {"2026-11-30", NULL, 0, 0, "from: must not be after to"},
        {"2025-11-28", "2026-11-29", 0, 0, "from: must be at most 365 days before to"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct error error;
        struct usage_query query = {.from_text = table[i].from, .to_text = table[i].to};
        assert_int_equal(usage_settle(&query, 20786, &error), table[i].sentence != NULL ? -1 : 0);
        if (table[i].sentence != NULL) {
            assert_string_equal(error.text, table[i].sentence);
            continue;
        }
        assert_int_equal(query.from, table[i].first);
        assert_int_equal(query.to, table[i].last);
    }
}

static int count_some(struct db *db, struct error *error)
{
    static const struct usage more = {.executions = 3,
                                      .completed = 2,
                                      .credits = 5,
                                      .execution_ns = 1500000000,
                                      .cpu_ns = 250000000,
                                      .output_bytes = 77};
    struct key key;
    if (keys_authenticate(db, fake_key, &key, error) != 0)
        return -1;
    return usage_add(db, key.row, 19675, "python", &more, error); /* 2023-11-14, which is today */
}

static void expect_usage(const char *key, const char *of, const char *by, int status, const char *body)
{
    struct http_exchange ex = admitted(&read_route, key);
    ex.queries[0] = (struct pair){"key", of};
    ex.queries[1] = (struct pair){"by", by};
    ex.queries[2] = (struct pair){"from", "2023-11-01"};
    api_usage(&ex);
    fake_await(&ex);
    fake_expect(&ex, status, body);
}

static void test_usage(void **state)
{
    (void)state;
#define FIGURES \
    "\"executions\":3,\"completed\":2,\"credits\":5,\"execution_time\":1.5,\"cpu_time\":0.25,\"output_bytes\":77"
    char id[KEY_PUBLIC_LEN + 1], days[512], languages[512];
    fake_store(count_some);
    snprintf(id, sizeof id, "%.8s", fake_key + 3);
    snprintf(days, sizeof days,
             "{\"key_id\":\"%s\",\"from\":\"2023-11-01\",\"to\":\"2023-11-14\",\"by\":\"day\",\"total\":{" FIGURES
             "},\"items\":[{\"day\":\"2023-11-14\"," FIGURES "}],\"next_cursor\":null}",
             id);
    snprintf(languages, sizeof languages,
             "{\"key_id\":\"%s\",\"from\":\"2023-11-01\",\"to\":\"2023-11-14\",\"by\":\"language\",\"total\":{" FIGURES
             "},\"items\":[{\"language\":\"python\"," FIGURES "}],\"next_cursor\":null}",
             id);
    expect_usage(fake_key, NULL, NULL, 200, days);
    expect_usage(fake_key, id, "day", 200, days);
    expect_usage(fake_key, NULL, "language", 200, languages);
    expect_usage(fake_admin_key, id, "language", 200, languages);
    expect_usage(fake_other_key, id, NULL, 403, "{\"detail\":\"This key may not read another key's usage\"}");
    expect_usage(fake_other_key, "nobody00", NULL, 403, NULL);
    expect_usage(fake_admin_key, "nobody00", NULL, 404, "{\"detail\":\"Key not found\"}");
    expect_usage(fake_key, NULL, "hour", 400, "{\"detail\":\"by: must be day or language\"}");
}

static void test_a_key_id_is_not_cut(void **state)
{
    (void)state;
    char longer[KEY_PUBLIC_LEN + 2];
    snprintf(longer, sizeof longer, "%.8sx", fake_key + 3);
    expect_usage(fake_admin_key, longer, NULL, 400, "{\"detail\":\"key: must be a key's id\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_an_admin_is_let_in, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_a_key_from_its_beginning_to_its_end, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_a_wrong_body_makes_nothing, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_a_client_that_leaves, fake_setup, fake_teardown),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_a_range_of_days),
        cmocka_unit_test_setup_teardown(test_usage, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_a_key_id_is_not_cut, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
