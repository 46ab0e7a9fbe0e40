/* Executions' and sessions' handlers on a real database, with what runs made up. */
#include "api/executions.h"

#include "api/fakes.h"

#define ID_1 "11111111-1111-4111-8111-111111111111"
#define ID_2 "22222222-2222-4222-8222-222222222222"
#define ID_3 "33333333-3333-4333-8333-333333333333"
#define NONE "99999999-9999-4999-8999-999999999999"

static const struct http_route read_route = {"GET", "/read", NULL, API_KEY | API_READ};

/* ---- what is in the database ---- */

static int insert(struct db *db, const char *id, const char *session, const char *language, struct error *error)
{
    struct key key;
    if (keys_authenticate(db, fake_key, &key, error) != 0)
        return -1;
    struct record record = {.key_row = key.row, .created_ms = 1700000000000, .code_bytes = 9};
    snprintf(record.id, sizeof record.id, "%s", id);
    snprintf(record.session_id, sizeof record.session_id, "%s", session);
    snprintf(record.language, sizeof record.language, "%s", language);
    snprintf(record.version, sizeof record.version, "%s", "1.0");
    return records_insert(db, &record, error);
}

static int finish(struct db *db, const char *id, const char *session, char *out, size_t out_len, struct error *error)
{
    struct key key;
    if (keys_authenticate(db, fake_key, &key, error) != 0)
        return -1;
    struct record record = {.key_row = key.row,
                            .status = RECORD_FAILED,
                            .ended_by_itself = true,
                            .exit_code = 3,
                            .created_ms = 1700000000000,
                            .started_ms = 1700000000100,
                            .completed_ms = 1700000001600,
                            .execution_ns = 1500000400,
                            .queue_ns = 1000,
                            .cpu_ns = -1,
                            .memory_bytes = 3 * 1048576 / 2,
                            .code_bytes = 9,
                            .stdout_bytes = 2,
                            .out = out,
                            .out_len = out_len};
    snprintf(record.id, sizeof record.id, "%s", id);
    snprintf(record.session_id, sizeof record.session_id, "%s", session);
    snprintf(record.language, sizeof record.language, "%s", "bash");
    snprintf(record.version, sizeof record.version, "%s", "1.0");
    return records_finish(db, &record, error);
}

/* 1: ended, in session s; 2: in session s, not ended; 3: python, not ended. */
static int three(struct db *db, struct error *error)
{
    if (insert(db, ID_1, "s", "bash", error) != 0 || insert(db, ID_2, "s", "bash", error) != 0 ||
        insert(db, ID_3, "", "python", error) != 0)
        return -1;
    return finish(db, ID_1, "s", NULL, 0, error);
}

static char filler[5 * 1024 * 1024];

/* Three that ended, the newest two with output of 5 MiB, the oldest with two bytes. */
static int kept(struct db *db, struct error *error)
{
    memset(filler, 'x', sizeof filler);
    filler[0] = (char)0xff;
    if (insert(db, ID_1, "", "bash", error) != 0 || insert(db, ID_2, "", "bash", error) != 0 ||
        insert(db, ID_3, "", "bash", error) != 0 || finish(db, ID_1, "", (char[]){'a', '\0'}, 2, error) != 0 ||
        finish(db, ID_2, "", filler, sizeof filler, error) != 0)
        return -1;
    return finish(db, ID_3, "", filler, sizeof filler, error);
}

/* ---- asking ---- */

static struct http_exchange admitted(const char *key)
{
    struct http_exchange ex = {.route = &read_route, .headers = {{"X-API-Key", key}}};
    api_admit(&ex);
    fake_settle();
    assert_true(ex.admitted);
    return ex;
}

static json_t *answer_of(struct http_exchange *ex, http_handler *handler)
{
    handler(ex);
    fake_await(ex);
    struct error error;
    json_t *value = json_parse(ex->body, strlen(ex->body), &error);
    assert_non_null(value);
    return value;
}

/* The ids of a page, "1" for ID_1 and so on, in order, with "+" where there is a next one. */
static const char *page(http_handler *handler, const char *id, const char *name, const char *value,
                        char cursor[PAGE_CURSOR_LEN + 1])
{
    static char seen[16];
    struct http_exchange ex = admitted(fake_key);
    ex.param = (struct pair){"id", id};
    ex.queries[0] = (struct pair){name, value};
    if (cursor != NULL && *cursor != '\0')
        ex.queries[1] = (struct pair){"cursor", cursor};
    json_t *answer = answer_of(&ex, handler), *items = json_object_get(answer, "items");
    const char *next = json_string_value(json_object_get(answer, "next_cursor"));
    size_t len = 0;
    for (size_t i = 0; i < json_array_size(items); i++)
        seen[len++] = *json_string_value(json_object_get(json_array_get(items, i), "execution_id"));
    if (next != NULL)
        seen[len++] = '+';
    seen[len] = '\0';
    if (cursor != NULL)
        snprintf(cursor, PAGE_CURSOR_LEN + 1, "%s", next != NULL ? next : "");
    json_decref(answer);
    fake_expect(&ex, 200, NULL);
    return seen;
}

static void expect_get(http_handler *handler, const char *key, const char *id, int status, const char *body)
{
    struct http_exchange ex = admitted(key);
    ex.param = (struct pair){"id", id};
    json_decref(answer_of(&ex, handler));
    fake_expect(&ex, status, body);
}

/* ---- executions ---- */

static void test_one_that_ended(void **state)
{
    (void)state;
    fake_store(three);
    expect_get(api_executions_get, fake_key, ID_1, 200,
               "{\"execution_id\":\"" ID_1 "\",\"session_id\":\"s\",\"language\":\"bash\",\"version\":\"1.0\","
               "\"status\":\"failed\",\"exit_code\":3,\"created_at\":\"2023-11-14T22:13:20.000Z\","
               "\"started_at\":\"2023-11-14T22:13:20.100Z\",\"completed_at\":\"2023-11-14T22:13:21.600Z\","
               "\"execution_time\":1.5,\"queue_time\":1e-6,\"cpu_time\":null,\"memory_mb\":1.5,\"code_bytes\":9,"
               "\"stdout_bytes\":2,\"stderr_bytes\":0,\"attempts\":1}");
}

static void test_one_that_has_not_ended(void **state)
{
    (void)state;
    fake_store(three);
    static const char shape[] =
        "{\"execution_id\":\"" ID_3 "\",\"session_id\":null,\"language\":\"python\",\"version\":\"1.0\","
        "\"status\":\"%s\",\"exit_code\":null,\"created_at\":\"2023-11-14T22:13:20.000Z\",\"started_at\":null,"
        "\"completed_at\":null,\"execution_time\":null,\"queue_time\":null,\"cpu_time\":null,\"memory_mb\":null,"
        "\"code_bytes\":9,\"stdout_bytes\":null,\"stderr_bytes\":null,\"attempts\":1}";
    static const struct {
        enum record_status live;
        const char *shown;
    } cases[] = {{RECORD_PENDING, "pending"}, {RECORD_RUNNING, "running"}, {RECORD_COMPLETED, "running"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[sizeof shape + 16];
        snprintf(expected, sizeof expected, shape, cases[i].shown);
        fake_running = (struct execution){.id = ID_3, .key_row = 1, .status = cases[i].live};
        expect_get(api_executions_get, fake_key, ID_3, 200, expected);
    }
}

static void test_records_of_others_and_of_nobody(void **state)
{
    (void)state;
    static const char missing[] = "{\"detail\":\"Execution not found\"}";
    fake_store(three);
    expect_get(api_executions_get, fake_other_key, ID_1, 404, missing);
    expect_get(api_executions_get, fake_key, NONE, 404, missing);
    expect_get(api_executions_get, fake_key, "no-id'; --", 404, missing);
    fake_running = (struct execution){.id = ID_2, .key_row = 1, .status = RECORD_RUNNING};
    expect_get(api_executions_delete, fake_other_key, ID_2, 404, missing);
    assert_false(fake_running.cancelled);
}

static void test_pages(void **state)
{
    (void)state;
    fake_store(three);
    assert_string_equal(page(api_executions_list, NULL, "limit", "200", NULL), "321");
    char cursor[PAGE_CURSOR_LEN + 1] = "";
    assert_string_equal(page(api_executions_list, NULL, "limit", "2", cursor), "32+");
    assert_string_equal(page(api_executions_list, NULL, "limit", "2", cursor), "1");
    assert_string_equal(page(api_executions_list, NULL, "limit", "3", NULL), "321");
}

static void test_filters(void **state)
{
    (void)state;
    fake_store(three);
    fake_running = (struct execution){.id = ID_2, .key_row = 1, .status = RECORD_RUNNING};
    assert_string_equal(page(api_executions_list, NULL, "session_id", "s", NULL), "21");
    assert_string_equal(page(api_executions_list, NULL, "session_id", "none", NULL), "");
    assert_string_equal(page(api_executions_list, NULL, "language", "python", NULL), "3");
    assert_string_equal(page(api_executions_list, NULL, "status", "failed", NULL), "1");
    assert_string_equal(page(api_executions_list, NULL, "status", "running", NULL), "2");
    assert_string_equal(page(api_executions_list, NULL, "status", "pending", NULL), "3");
}

static void test_bad_queries(void **state)
{
    (void)state;
    static const char *const limits[] = {"0", "201", "", "x", "1.5", "-1", "+1", " 1", "99999999999999999999"};
    static const char *const cursors[] = {"",
                                          "0",
                                          "1",
                                          "x",
                                          "-1",
                                          "99999999999999999999",
                                          "00000000000000000000000000000001",
                                          "g0000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct http_exchange ex = admitted(fake_key);
        ex.queries[0] = (struct pair){"limit", limits[i]};
        api_executions_list(&ex);
        fake_expect(&ex, 400, "{\"detail\":\"limit: must be an integer from 1 to 200\"}");
    }
    for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
        struct http_exchange ex = admitted(fake_key);
        ex.queries[0] = (struct pair){"cursor", cursors[i]};
        api_sessions_list(&ex);
        fake_expect(&ex, 400, "{\"detail\":\"cursor: must be the next_cursor of a page\"}");
    }
    struct http_exchange ex = admitted(fake_key);
    ex.queries[0] = (struct pair){"status", "nothing"};
    api_executions_list(&ex);
    fake_expect(&ex, 400,
                "{\"detail\":\"status: must be pending, running, completed, failed, timed_out, out_of_memory, "
                "compile_failed, cancelled or lost\"}");
}

/* The cursor behind the newest two of `list`, for a key. */
static void next_of(http_handler *list, const char *key, char cursor[PAGE_CURSOR_LEN + 1])
{
    struct http_exchange ex = admitted(key);
    ex.queries[0] = (struct pair){"limit", "1"};
    json_t *answer = answer_of(&ex, list);
    snprintf(cursor, PAGE_CURSOR_LEN + 1, "%s", json_string_value(json_object_get(answer, "next_cursor")));
    assert_int_equal(strlen(cursor), PAGE_CURSOR_LEN);
    json_decref(answer);
    fake_expect(&ex, 200, NULL);
}

static void ask_with(http_handler *list, const char *key, const char *cursor, int status)
{
    struct http_exchange ex = admitted(key);
    ex.queries[0] = (struct pair){"cursor", cursor};
    json_decref(answer_of(&ex, list));
    fake_expect(&ex, status, status == 200 ? NULL : "{\"detail\":\"cursor: must be the next_cursor of a page\"}");
}

/* A second session, so that sessions have two pages. */
static int another(struct db *db, struct error *error)
{
    return insert(db, NONE, "t", "bash", error);
}

static void test_a_cursor_is_one_keys_and_one_lists(void **state)
{
    (void)state;
    char executions[PAGE_CURSOR_LEN + 1], sessions[PAGE_CURSOR_LEN + 1], again[PAGE_CURSOR_LEN + 1];
    fake_store(three);
    next_of(api_executions_list, fake_key, executions);
    fake_store(another);
    next_of(api_sessions_list, fake_key, sessions);
    ask_with(api_executions_list, fake_key, executions, 200);
    ask_with(api_sessions_list, fake_key, sessions, 200);
    ask_with(api_sessions_list, fake_key, executions, 400);
    ask_with(api_executions_list, fake_key, sessions, 400);
    ask_with(api_executions_list, fake_other_key, executions, 400);
    next_of(api_executions_list, fake_key, again); /* one row further */
    unsigned same = 0;
    for (size_t i = 0; i < PAGE_CURSOR_LEN; i++)
        same += executions[i] == again[i];
    assert_true(same < PAGE_CURSOR_LEN / 2);
    for (size_t i = 0; i < PAGE_CURSOR_LEN; i++) {
        char was = executions[i];
        executions[i] = was == '0' ? '1' : '0';
        ask_with(api_executions_list, fake_key, executions, 400);
        executions[i] = was;
    }
    executions[PAGE_CURSOR_LEN - 1] = '\0';
    ask_with(api_executions_list, fake_key, executions, 400);
}

static void test_a_page_of_kept_output_ends_at_its_cap(void **state)
{
    (void)state;
    fake_store(kept);
    char cursor[PAGE_CURSOR_LEN + 1] = "";
    assert_string_equal(page(api_executions_list, NULL, "limit", "200", cursor), "3+");
    assert_string_equal(page(api_executions_list, NULL, "limit", "200", cursor), "21");
}

static void test_kept_output_is_cleaned(void **state)
{
    (void)state;
    fake_store(kept);
    struct http_exchange ex = admitted(fake_key);
    ex.param = (struct pair){"id", ID_3};
    json_t *answer = answer_of(&ex, api_executions_get), *out = json_object_get(answer, "stdout");
    assert_int_equal(json_string_length(out), sizeof filler + 2);
    assert_memory_equal(json_string_value(out), "\xef\xbf\xbdxxx", 6);
    assert_null(json_object_get(answer, "code"));
    json_decref(answer);
    fake_expect(&ex, 200, NULL);
    struct http_exchange short_one = admitted(fake_key);
    short_one.param = (struct pair){"id", ID_1};
    answer = answer_of(&short_one, api_executions_get);
    assert_int_equal(json_string_length(json_object_get(answer, "stdout")), 2);
    json_decref(answer);
    fake_expect(&short_one, 200, NULL);
}

/* Away while the database works, and while a large answer is encoded. */
static void test_a_client_that_leaves(void **state)
{
    (void)state;
    fake_store(kept);
    for (int late = 0; late < 2; late++) {
        struct http_exchange *ex = calloc(1, sizeof *ex);
        *ex = admitted(fake_key);
        ex->param = (struct pair){"id", ID_3};
        api_executions_get(ex);
        if (late == 1)
            fake_settle();
        if (ex->status == 0)
            ex->gone(ex->gone_arg);
        free(ex->body);
        free(ex->user);
        free(ex);
        fake_settle();
    }
}

static void test_cancelling(void **state)
{
    (void)state;
    fake_store(three);
    fake_running = (struct execution){.id = ID_2, .key_row = 1, .status = RECORD_RUNNING};
    expect_get(api_executions_delete, fake_key, ID_2, 200, NULL); /* its record */
    assert_true(fake_running.cancelled);
    expect_get(api_executions_delete, fake_key, ID_1, 409, "{\"detail\":\"Execution " ID_1 " is not running\"}");
    expect_get(api_executions_delete, fake_key, NONE, 404, "{\"detail\":\"Execution not found\"}");
    fake_running = (struct execution){.id = ID_2, .key_row = 1, .status = RECORD_COMPLETED};
    expect_get(api_executions_delete, fake_key, ID_2, 409, NULL);
    assert_false(fake_running.cancelled);
}

/* ---- sessions ---- */

static void test_a_session(void **state)
{
    (void)state;
    fake_store(three);
    struct http_exchange ex = admitted(fake_key);
    ex.param = (struct pair){"id", "s"};
    json_t *session = answer_of(&ex, api_sessions_get);
    static const char *const names[] = {
        "session_id", "created_at", "last_used_at", "expires_at",           "workspace", "state",  "state_reason",
        "language",   "bytes",      "executions",   "total_execution_time", "durable",   "version"};
    size_t i = 0;
    const char *name;
    json_t *value;
    json_object_foreach (session, name, value) {
        assert_string_equal(name, names[i++]);
    }
    assert_int_equal(i, 13);
    assert_string_equal(json_string_value(json_object_get(session, "state")), "tracking");
    assert_string_equal(json_string_value(json_object_get(session, "session_id")), "s");
    assert_true(json_is_null(json_object_get(session, "expires_at")));
    assert_true(json_is_false(json_object_get(session, "workspace")));
    assert_int_equal(json_integer_value(json_object_get(session, "executions")), 2);
    assert_true(json_real_value(json_object_get(session, "total_execution_time")) == 1.5);
    json_decref(session);
    fake_expect(&ex, 200, NULL);
    expect_get(api_sessions_get, fake_other_key, "s", 404, "{\"detail\":\"Session not found\"}");
}

static void test_sessions_in_a_list(void **state)
{
    (void)state;
    fake_store(three);
    struct http_exchange ex = admitted(fake_key), none = admitted(fake_other_key);
    json_t *answer = answer_of(&ex, api_sessions_list);
    assert_int_equal(json_array_size(json_object_get(answer, "items")), 1);
    json_decref(answer);
    fake_expect(&ex, 200, NULL);
    json_decref(answer_of(&none, api_sessions_list));
    fake_expect(&none, 200, "{\"items\":[],\"next_cursor\":null}");
}

static void test_executions_of_a_session(void **state)
{
    (void)state;
    fake_store(three);
    assert_string_equal(page(api_sessions_executions, "s", NULL, NULL, NULL), "21");
    assert_string_equal(page(api_sessions_executions, "s", "limit", "1", NULL), "2+");
    expect_get(api_sessions_executions, fake_key, "none", 404, "{\"detail\":\"Session not found\"}");
    expect_get(api_sessions_executions, fake_other_key, "s", 404, "{\"detail\":\"Session not found\"}");
}

static void test_deleting_a_session(void **state)
{
    (void)state;
    fake_store(three);
    expect_get(api_sessions_delete, fake_other_key, "s", 404, "{\"detail\":\"Session not found\"}");
    expect_get(api_sessions_delete, fake_key, "s", 200, "{\"message\":\"Session s cleaned up\"}");
    assert_string_equal(fake_cancelled_session, "s");
    expect_get(api_sessions_delete, fake_key, "s", 404, "{\"detail\":\"Session not found\"}");
    expect_get(api_executions_get, fake_key, ID_1, 404, NULL);
    assert_string_equal(page(api_executions_list, NULL, NULL, NULL, NULL), "3");
}

static int load_languages(void **state)
{
    if (fake_setup(state) != 0)
        return -1;
    struct error error;
    /* None is needed: filters by a language fall back on its id. */
    return catalog_load(&fake_api.languages, "", &limits_defaults, &limits_defaults, NULL, NULL, &error);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, load_languages, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(test_one_that_ended),
        STAGED(test_one_that_has_not_ended),
        STAGED(test_records_of_others_and_of_nobody),
        STAGED(test_pages),
        STAGED(test_filters),
        STAGED(test_bad_queries),
        STAGED(test_a_cursor_is_one_keys_and_one_lists),
        STAGED(test_a_page_of_kept_output_ends_at_its_cap),
        STAGED(test_kept_output_is_cleaned),
        STAGED(test_a_client_that_leaves),
        STAGED(test_cancelling),
        STAGED(test_a_session),
        STAGED(test_sessions_in_a_list),
        STAGED(test_executions_of_a_session),
        STAGED(test_deleting_a_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
