/* Bodies about keys: what they change, and what is wrong with them. */
#include "api/key_form.h"

#include "api/fakes.h"

static int read_body(const char *body, struct key_change *change, char warnings[256], struct error *error)
{
    const struct http_exchange ex = {.headers = {{"Content-Type", "application/json; charset=utf-8"}},
                                     .request_body = body};
    struct form form;
    int result = key_form_read(&form, &ex, change, error);
    json_t *list = form_take_warnings(&form);
    char *text = json_dumps(list, JSON_COMPACT);
    snprintf(warnings, 256, "%s", text);
    free(text);
    json_decref(list);
    form_free(&form);
    return result;
}

static struct key_change read_good(const char *body)
{
    struct key_change change;
    struct error error;
    char warnings[256];
    if (read_body(body, &change, warnings, &error) != 0)
        fail_msg("%s: %s", body, error.text);
    assert_string_equal(warnings, "[]");
    return change;
}

static void test_each_field(void **state)
{
    (void)state;
    struct key_change change = read_good("{\"name\": \"Zo\\u00eb\"}");
    assert_int_equal(change.parts, KEY_PART_NAME);
    assert_string_equal(change.to.name, "Zoë");
    change = read_good("{\"scopes\": [\"read\", \"admin\", \"read\"]}");
    assert_int_equal(change.parts, KEY_PART_SCOPES);
    assert_int_equal(change.to.scopes, KEY_READ | KEY_ADMIN);
    change = read_good("{\"rate_per_minute\": 7.0}");
    assert_int_equal(change.parts, KEY_PART_RATE);
    assert_int_equal(change.to.rate_per_minute, 7);
    change = read_good("{\"max_timeout\": 300}");
    assert_int_equal(change.parts, KEY_PART_TIMEOUT);
    assert_int_equal(change.to.max_timeout, 300);
    change = read_good("{\"credits\": 0}");
    assert_int_equal(change.parts, KEY_PART_CREDITS);
    assert_int_equal(change.to.credits, 0);
    change = read_good("{\"credits\": {\"add\": -3}}");
    assert_int_equal(change.parts, KEY_PART_MORE_CREDITS);
    assert_int_equal(change.add, -3);
    change = read_good("{\"expires_at\": \"2030-01-31T00:00:00.5+01:00\"}");
    assert_int_equal(change.parts, KEY_PART_EXPIRY);
    assert_int_equal(change.to.expires_ms, 1896044400500);
    change = read_good("{\"reuse\": \"off\"}");
    assert_int_equal(change.parts, KEY_PART_REUSE);
    assert_int_equal(change.to.reuse, KEY_REUSE_OFF);
}

static void test_null_takes_back(void **state)
{
    (void)state;
    struct key_change change = read_good("{\"credits\": null, \"max_timeout\": null, \"expires_at\": null,"
                                         " \"reuse\": null}");
    assert_int_equal(change.parts, KEY_PART_CREDITS | KEY_PART_TIMEOUT | KEY_PART_EXPIRY | KEY_PART_REUSE);
    assert_int_equal(change.to.credits, -1);
    assert_int_equal(change.to.max_timeout, 0);
    assert_int_equal(change.to.expires_ms, 0);
    assert_int_equal(change.to.reuse, KEY_REUSE_INHERIT);
    change = read_good("{\"name\": null, \"scopes\": null, \"rate_per_minute\": null}");
    assert_int_equal(change.parts, 0);
    assert_int_equal(read_good("{}").parts, 0);
    assert_int_equal(read_good("").parts, 0);
}

static void test_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *body, *sentence;
    } table[] = {
        {"[]", "the body must be a JSON object"},
        {"{\"name\": \"\"}", "name: must be 1 to 100 bytes of UTF-8 without control characters"},
        {"{\"name\": 5}", "name: must be 1 to 100 bytes of UTF-8 without control characters"},
        {"{\"scopes\": []}", "scopes: must be an array of execute, read and admin"},
        {"{\"scopes\": \"read\"}", "scopes: must be an array of execute, read and admin"},
        {"{\"scopes\": [\"root\"]}", "scopes: must be an array of execute, read and admin"},
        {"{\"scopes\": [5]}", "scopes[0]: must be a string without NUL"},
        {"{\"rate_per_minute\": 0}", "rate_per_minute: must be an integer from 1 to 1000000"},
        {"{\"rate_per_minute\": 1.5}", "rate_per_minute: must be an integer from 1 to 1000000"},
        {"{\"max_timeout\": 301}", "max_timeout: must be an integer from 1 to 300"},
        {"{\"max_timeout\": 0}", "max_timeout: must be an integer from 1 to 300"},
        {"{\"credits\": -1}", "credits: must be an integer from 0 to 1000000000000, {\"add\": integer} or null"},
        {"{\"credits\": \"5\"}", "credits: must be an integer from 0 to 1000000000000, {\"add\": integer} or null"},
        {"{\"credits\": {}}", "credits.add: is required"},
        {"{\"credits\": {\"add\": 1.5}}", "credits.add: must be an integer from -1000000000000 to 1000000000000"},
        {"{\"expires_at\": \"soon\"}", "expires_at: must be a time such as 2030-01-31T00:00:00Z or null"},
        {"{\"expires_at\": 5}", "expires_at: must be a time such as 2030-01-31T00:00:00Z or null"},
        {"{\"expires_at\": \"1970-01-01T00:00:00Z\"}", "expires_at: must be a time such as 2030-01-31T00:00:00Z or "
                                                       "null"},
        {"{\"reuse\": \"on\"}", "reuse: must be \"off\", \"key\" or \"any\""},
        {"{\"reuse\": true}", "reuse: must be \"off\", \"key\" or \"any\""},
    };
    struct key_change change;
    struct error error;
    char warnings[256];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(read_body(table[i].body, &change, warnings, &error), -1);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.text, table[i].sentence);
    }
    assert_int_equal(read_body("{\"name\": \"a\", \"name\": \"b\"}", &change, warnings, &error), -1);
    assert_int_equal(error.code, ERROR_INVALID);
    const struct http_exchange untyped = {.request_body = "{}"};
    struct form form;
    assert_int_equal(key_form_read(&form, &untyped, &change, &error), -1);
    assert_int_equal(error.code, ERROR_MEDIA_TYPE);
    form_free(&form);
}

static void test_unknown_fields_are_named(void **state)
{
    (void)state;
    struct key_change change;
    struct error error;
    char warnings[256], many[2048] = "{", *at = many + 1;
    assert_int_equal(read_body("{\"nmae\": 1, \"credits\": {\"add\": 1, \"to\": 2}}", &change, warnings, &error), 0);
    assert_string_equal(warnings, "[\"unknown field: credits.to\",\"unknown field: nmae\"]");
    for (int i = 0; i < 50; i++)
        at += snprintf(at, sizeof many - (size_t)(at - many), "%s\"f%d\": 0", i > 0 ? "," : "", i);
    snprintf(at, sizeof many - (size_t)(at - many), "}");
    assert_int_equal(read_body(many, &change, warnings, &error), 0);
    assert_null(strstr(warnings, "f20"));
}

static void test_a_new_key(void **state)
{
    (void)state;
    struct error error;
    struct key key = {.credits = -1};
    struct key_change change = read_good("{\"credits\": 5}");
    assert_int_equal(key_form_make(&key, &change, &error), -1);
    assert_string_equal(error.text, "name: is required");
    change = read_good("{\"name\": \"n\", \"credits\": {\"add\": 5}}");
    assert_int_equal(key_form_make(&key, &change, &error), -1);
    assert_int_equal(error.code, ERROR_INVALID);
    change = read_good("{\"name\": \"n\", \"credits\": 5, \"reuse\": \"key\"}");
    assert_int_equal(key_form_make(&key, &change, &error), 0);
    assert_string_equal(key.name, "n");
    assert_int_equal(key.credits, 5);
    assert_int_equal(key.reuse, KEY_REUSE_KEY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_field, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_null_takes_back, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_wrong, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_unknown_fields_are_named, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_a_new_key, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
