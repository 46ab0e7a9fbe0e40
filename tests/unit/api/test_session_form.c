/* Bodies about sessions: what they say, and what is wrong with them. */
#include "api/session_form.h"

#include "api/fakes.h"

static int read_body(const char *body, const struct fields *fields, struct session_form *out, char id[64],
                     struct error *error)
{
    const struct http_exchange ex = {.headers = {{"Content-Type", "application/json"}}, .request_body = body};
    struct form form;
    int result = session_form_read(&form, &ex, fields, out, error);
    snprintf(id, 64, "%s", out->session_id != NULL ? out->session_id : "-");
    form_free(&form);
    return result;
}

static void test_what_it_says(void **state)
{
    (void)state;
    static const struct {
        const char *body, *id;
        int64_t ttl_ms;
    } table[] = {
        {"", "-", 0},
        {"{}", "-", 0},
        {"{\"session_id\": \"A.z_0:9-\", \"ttl_seconds\": 60}", "A.z_0:9-", 60000},
        {"{\"ttl_seconds\": 604800.0, \"workspace\": false, \"durable\": false}", "-", 604800000},
        {"{\"session_id\": null, \"ttl_seconds\": null, \"workspace\": null, \"language\": null}", "-", 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct session_form said;
        struct error error;
        char id[64];
        assert_int_equal(read_body(table[i].body, &session_create_fields, &said, id, &error), 0);
        assert_string_equal(id, table[i].id);
        assert_int_equal(said.ttl_ms, table[i].ttl_ms);
    }
}

static void test_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *body, *sentence;
    } table[] = {
        {"{\"ttl_seconds\": 59}", "ttl_seconds: must be an integer from 60 to 604800"},
        {"{\"ttl_seconds\": \"60\"}", "ttl_seconds: must be an integer from 60 to 604800"},
        {"{\"durable\": true}", "durable: only with workspace"},
        {"{\"workspace\": 0}", "workspace: must be true or false"},
        {"{\"language\": \"\"}", "language: must be a string of 1 to 64 bytes"},
        {"{\"version\": \"x y\"}", "version: must be a version or a range, such as 3, 3.11 or >=20"},
        {"{\"environment\": {\"1\": \"x\"}}", "environment: a name must match [A-Za-z_][A-Za-z0-9_]*"},
        {"{\"session_id\": \"\"}", "session_id: " SESSION_ID_SENTENCE},
        {"{\"session_id\": \".a\"}", "session_id: " SESSION_ID_SENTENCE},
        {"{\"session_id\": \"a/b\"}", "session_id: " SESSION_ID_SENTENCE},
        {"{\"session_id\": \"a\\u0000\"}", "session_id: " SESSION_ID_SENTENCE},
        {"[]", "the body must be a JSON object"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct session_form said;
        struct error error;
        char id[64];
        assert_int_equal(read_body(table[i].body, &session_create_fields, &said, id, &error), -1);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.text, table[i].sentence);
    }
}

/* A change knows the time to live alone. */
static void test_a_change(void **state)
{
    (void)state;
    struct session_form said;
    struct error error;
    char id[64];
    assert_int_equal(read_body("{\"ttl_seconds\": 61, \"session_id\": \"x\", \"workspace\": true}",
                               &session_change_fields, &said, id, &error),
                     0);
    assert_int_equal(said.ttl_ms, 61000);
    assert_string_equal(id, "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_it_says, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_wrong, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_a_change, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
