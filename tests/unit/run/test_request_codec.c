/* A request as bytes and back: every field, every cut, every wrong byte. */
#include "base/buf.h"
#include "run/request_codec.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct buf bytes;

/* Every field set, with bytes that text formats stumble over. */
static const struct execution_request full = {
    .language_name = "Py",
    .version_range = ">=3.11, <4",
    .code = "a\0b\xff",
    .code_len = 4,
    .input = "",
    .input_len = 0,
    .env = (const char *[]){"A=1", "B=", NULL},
    .args = (const char *[]){"", "-x", NULL},
    .outputs = (const char *[]){"a/*", "**", NULL},
    .files = (struct request_file[]){{.path = "d/a", .data = "\0\1", .len = 2, .kind = REQUEST_FILE_BINARY},
                                     {.path = "b", .data = "", .len = 0}},
    .files_len = 2,
    .timeout_ms = 300000,
    .session_id = "s:1",
    .evaluate = true,
    .kernel = true,
    .reuse = KEY_REUSE_ANY,
    .overrides = {.value = {[LIMIT_CPU] = 1500, [LIMIT_OUTPUT] = 1}},
    .limits_rise = true,
    .warnings = {"unknown field: x", "unknown field: \xc3\xa4"},
    .warnings_len = 2,
};
static const struct execution_request least = {.language_name = "c", .code = "x", .code_len = 1, .timeout_ms = 1000};

static const struct execution_request sessions = {
    .code = "x", .code_len = 1, .timeout_ms = 1000, .session_id = "says-the-language"};

static int setup(void **state)
{
    (void)state;
    buf_init(&bytes, (size_t)1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&bytes);
    return 0;
}

static void same_text(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a != NULL && b != NULL)
        assert_string_equal(a, b);
}

static void same_list(const char *const *a, const char *const *b)
{
    size_t i = 0;

    assert_int_equal(a == NULL, b == NULL);
    if (a == NULL || b == NULL)
        return;
    for (; a[i] != NULL; i++)
        same_text(a[i], b[i]);
    assert_null(b[i]);
}

static void same(const struct execution_request *a, const struct execution_request *b)
{
    same_text(a->language_name, b->language_name);
    same_text(a->version_range, b->version_range);
    assert_int_equal(a->code_len, b->code_len);
    assert_memory_equal(a->code, b->code, a->code_len);
    assert_int_equal(a->input == NULL, b->input == NULL);
    assert_int_equal(a->input_len, b->input_len);
    same_list(a->env, b->env);
    same_list(a->args, b->args);
    same_list(a->outputs, b->outputs);
    assert_int_equal(a->files_len, b->files_len);
    for (size_t i = 0; i < a->files_len; i++) {
        same_text(a->files[i].path, b->files[i].path);
        assert_int_equal(a->files[i].len, b->files[i].len);
        assert_memory_equal(a->files[i].data, b->files[i].data, a->files[i].len);
        assert_int_equal(a->files[i].kind, b->files[i].kind);
    }
    assert_int_equal(a->timeout_ms, b->timeout_ms);
    same_text(a->session_id, b->session_id);
    assert_int_equal(a->evaluate, b->evaluate);
    assert_int_equal(a->kernel, b->kernel);
    assert_int_equal(a->reuse, b->reuse);
    assert_memory_equal(&a->overrides, &b->overrides, sizeof a->overrides);
    assert_int_equal(a->limits_rise, b->limits_rise);
    assert_int_equal(a->warnings_len, b->warnings_len);
    for (size_t i = 0; i < a->warnings_len; i++)
        same_text(a->warnings[i], b->warnings[i]);
}

static void expect_round_trip(const struct execution_request *request)
{
    struct execution_request back;
    struct error error = {0};

    bytes.len = 0;
    assert_int_equal(request_encode(request, &bytes), 0);
    char *stored = malloc(bytes.len);
    assert_non_null(stored);
    memcpy(stored, bytes.data, bytes.len);
    assert_int_equal(request_decode(&back, stored, bytes.len, &error), 0);
    memset(stored, 'z', bytes.len); /* what was read back is a copy */
    free(stored);
    same(request, &back);
    assert_null(back.language);
    request_free(&back);
}

static void test_round_trips(void **state)
{
    (void)state;
    expect_round_trip(&full);
    expect_round_trip(&least);
    expect_round_trip(&sessions);
}

static void expect_malformed(size_t len)
{
    struct execution_request back;
    struct error error = {0};

    assert_int_equal(request_decode(&back, bytes.data, len, &error), -1);
    assert_int_equal(error.code, ERROR_INTERNAL);
    request_free(&back);
}

static void test_cut_bytes_are_refused(void **state)
{
    (void)state;
    assert_int_equal(request_encode(&full, &bytes), 0);
    for (size_t len = 0; len < bytes.len; len++)
        expect_malformed(len);
    assert_int_equal(buf_append(&bytes, "", 1), 0);
    expect_malformed(bytes.len);
}

/* A changed byte gives another request or is refused; it never reads past the end (the sanitizers look). */
static void test_changed_bytes_do_no_harm(void **state)
{
    (void)state;
    assert_int_equal(request_encode(&full, &bytes), 0);
    for (size_t at = 0; at < bytes.len; at++) {
        char was = bytes.data[at];
        for (unsigned flip = 1; flip < 256; flip = flip * 2 + 1) {
            struct execution_request back;
            struct error error = {0};
            bytes.data[at] = (char)(was ^ (char)flip);
            if (request_decode(&back, bytes.data, bytes.len, &error) != 0)
                assert_int_equal(error.code, ERROR_INTERNAL);
            request_free(&back);
        }
        bytes.data[at] = was;
    }
}

static void test_another_version_is_refused(void **state)
{
    struct execution_request back;
    struct error error = {0};

    (void)state;
    assert_int_equal(request_encode(&least, &bytes), 0);
    bytes.data[0] = REQUEST_CODEC_VERSION + 1;
    assert_int_equal(request_decode(&back, bytes.data, bytes.len, &error), -1);
    assert_string_equal(error.text, "a stored request has another version");
    request_free(&back);
}

static void test_a_full_buffer_is_an_error(void **state)
{
    struct buf small;

    (void)state;
    assert_int_equal(request_encode(&full, &bytes), 0);
    for (size_t max = 0; max < bytes.len; max++) {
        buf_init(&small, max);
        assert_int_equal(request_encode(&full, &small), -1);
        buf_free(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trips, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_bytes_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_bytes_do_no_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_version_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_full_buffer_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
