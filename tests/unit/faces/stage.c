#include "faces/stage.h"

struct execution_request stage_request;
struct error stage_error;
struct execute_answer stage_answer;

struct execute_rules stage_rules = {
    .max_code = 1 << 20,
    .max_stdin = STAGE_STDIN_MAX,
    .max_timeout = 300,
    .maxima = {.cell = {.milli_cpus = 2000, .memory_mb = 2048, .disk_mb = 1024, .processes = 256}, .output_kb = 16384},
};

int stage_read(const struct translation *translation, const char *body)
{
    size_t cost = 0;
    char *text = strdup(body); /* it is written over */

    assert_non_null(text);
    request_free(&stage_request);
    stage_error = (struct error){0};
    int result = translation->read(NULL, &stage_request, text, strlen(text), &stage_rules, &cost, &stage_error);
    if (result == 0)
        assert_true(cost > 0);
    free(text);
    return result;
}

int stage_read_long(const struct translation *translation, size_t len, const char *more)
{
    struct buf body;

    buf_init(&body, len + strlen(more) + 100);
    assert_int_equal(buf_puts(&body, "{\"code\": \""), 0);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(buf_append(&body, "x", 1), 0);
    assert_int_equal(buf_printf(&body, "\"%s}", more), 0);
    int result = stage_read(translation, body.data);
    buf_free(&body);
    return result;
}

void stage_expect_refused(const struct translation *translation, const char *body, enum error_code code,
                          const char *sentence)
{
    assert_int_equal(stage_read(translation, body), -1);
    assert_string_equal(stage_error.text, sentence);
    assert_int_equal(stage_error.code, code);
}

static void stage_fill(struct buf *buf, const char *text)
{
    buf_init(buf, 1 << 20);
    assert_int_equal(buf_puts(buf, text), 0);
}

struct execution_result *stage_result(const char *language, const char *out, const char *err)
{
    stage_answer = (struct execute_answer){
        .id = "550e8400-e29b-41d4-a716-446655440000", .timeout_ms = 10000, .warnings = json_array()};
    text_copy(stage_answer.language, sizeof stage_answer.language, language);
    stage_answer.result = (struct execution_result){
        .status = RECORD_COMPLETED, .wall_ns = 95234567, .cpu_ns = 5000000, .queue_ns = 0, .peak_bytes = 8860467};
    stage_fill(&stage_answer.result.run.out, out);
    stage_fill(&stage_answer.result.run.err, err);
    stage_fill(&stage_answer.result.compile.out, "");
    stage_fill(&stage_answer.result.compile.err, "");
    return &stage_answer.result;
}

void stage_expect(const struct translation *translation, int status, const char *text)
{
    assert_int_equal(translation->encode(NULL, &stage_answer), 0);
    assert_string_equal(stage_answer.text, text);
    assert_int_equal(stage_answer.len, strlen(text));
    assert_int_equal(stage_answer.status, status);
    execute_answer_free(&stage_answer);
    free(stage_answer.text);
}
