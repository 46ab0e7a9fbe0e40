#include "execute_stage.h"

const struct execute_rules stage_rules = {
    .max_code = STAGE_CODE_MAX,
    .max_stdin = STAGE_STDIN_MAX,
    .max_timeout = 300,
    .maxima = {.cell = {.milli_cpus = 2000, .memory_mb = 2048, .disk_mb = 1024, .processes = 256}, .output_kb = 16384},
};

struct execution_request read_request;

struct error read_error;

int read_text(const char *text, size_t len)
{
    /* As it comes: not followed by NUL, so that a read past its end is seen. */
    char *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, text, len);
    read_error = (struct error){0};
    size_t cost;
    int result = execute_read(&read_request, copy, len, &stage_rules, &cost, &read_error);
    free(copy);
    assert_int_equal(result == 0, read_error.code == ERROR_NONE);
    return result;
}

int read_with(const char *more)
{
    struct buf body;

    buf_init(&body, (size_t)64 << 20);
    buf_printf(&body, "{\"code\": \"x\", \"language\": \"python\"%s%s}", *more != '\0' ? ", " : "", more);
    int result = read_text(body.data, body.len);
    buf_free(&body);
    return result;
}

void expect_refused(const char *more, const char *sentence)
{
    if (read_with(more) == 0)
        fail_msg("accepted: %.200s", more);
    assert_int_equal(read_error.code, ERROR_INVALID);
    assert_true(text_is_utf8(read_error.text, strlen(read_error.text)));
    assert_string_equal(read_error.text, sentence);
    request_free(&read_request);
}

void expect_accepted(const char *more)
{
    if (read_with(more) != 0)
        fail_msg("refused: %.200s: %s", more, read_error.text);
    assert_int_equal(read_request.warnings_len, 0);
    request_free(&read_request);
}

char *repeated(const char *piece, size_t count)
{
    size_t len = strlen(piece);
    char *out = malloc(len * count + 1);

    assert_non_null(out);
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * len, piece, len);
    out[len * count] = '\0';
    return out;
}

char *format(const char *text, const char *a)
{
    char *out = NULL;

    assert_true(asprintf(&out, text, a) >= 0);
    return out;
}
