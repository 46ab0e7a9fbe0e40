/* Reports of drivers: what is read of them, and what an execution makes of those that come from its cell. */
#include "run/evaluation.h"
#include "run_stage.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NONE UINT32_MAX

static struct buf report;

static void put_integer(uint32_t value)
{
    uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};

    assert_int_equal(buf_append(&report, bytes, sizeof bytes), 0);
}

static void sign(const char *key)
{
    assert_non_null(HMAC(EVP_sha256(), key, EVALUATION_KEY_LEN, (uint8_t *)report.data + 32, report.len - 32,
                         (uint8_t *)report.data, NULL));
}

/* A report of these flags, lengths and texts; it is signed with KEY. */
static void make(uint32_t flags, const uint32_t lengths[4], const char *texts, size_t len)
{
    static const uint8_t no_mac[32];

    buf_free(&report);
    buf_init(&report, (size_t)2 * EVALUATION_REPORT_MAX);
    assert_int_equal(buf_append(&report, no_mac, sizeof no_mac), 0);
    put_integer(flags);
    for (size_t i = 0; i < 4; i++)
        put_integer(lengths[i]);
    assert_int_equal(buf_append(&report, texts, len), 0);
    sign(KEY);
}

static bool reads(struct evaluation *out)
{
    static const struct evaluation nothing;
    bool read = evaluation_read(out, &report, KEY);

    if (!read)
        assert_memory_equal(out, &nothing, sizeof nothing);
    return read;
}

static void expect_text(const struct evaluation_text *text, const char *expected)
{
    if (expected == NULL) {
        assert_null(text->data);
        return;
    }
    assert_non_null(text->data);
    assert_int_equal(text->len, strlen(expected));
    assert_memory_equal(text->data, expected, text->len);
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&report);
    return 0;
}

static void test_read(void **state)
{
    struct evaluation got;

    (void)state;
    make(0, (uint32_t[]){2, NONE, NONE, NONE}, "55", 2);
    assert_true(reads(&got));
    expect_text(&got.result, "55");
    expect_text(&got.name, NULL);
    assert_false(got.result_cut || got.error_cut);
    make(2, (uint32_t[]){NONE, 1, 0, 2}, "Ntt", 3);
    assert_true(reads(&got));
    expect_text(&got.result, NULL);
    expect_text(&got.name, "N");
    expect_text(&got.message, "");
    expect_text(&got.traceback, "tt");
    assert_true(got.error_cut && !got.result_cut);
    make(1, (uint32_t[]){0, NONE, NONE, NONE}, "", 0);
    assert_true(reads(&got));
    expect_text(&got.result, "");
    assert_true(got.result_cut);
}

static void test_the_most(void **state)
{
    char *texts = calloc(1, EVALUATION_REPORT_MAX + 1);
    uint32_t lengths[] = {EVALUATION_RESULT_MAX, EVALUATION_NAME_MAX, EVALUATION_TEXT_MAX, EVALUATION_TEXT_MAX};
    size_t len = EVALUATION_REPORT_MAX - EVALUATION_HEAD;
    struct evaluation got;

    (void)state;
    assert_non_null(texts);
    make(3, lengths, texts, len);
    assert_int_equal(report.len, EVALUATION_REPORT_MAX);
    assert_true(reads(&got));
    for (size_t i = 0; i < 4; i++) {
        lengths[i]++;
        make(3, lengths, texts, len + 1);
        assert_false(reads(&got));
        lengths[i]--;
    }
    free(texts);
}

static void test_malformed(void **state)
{
    static const struct {
        uint32_t flags, lengths[4];
        size_t len;
    } cases[] = {
        {4, {2, NONE, NONE, NONE}, 2}, {NONE, {2, NONE, NONE, NONE}, 2},
        {0, {3, NONE, NONE, NONE}, 2}, {0, {1, NONE, NONE, NONE}, 2},
        {0, {NONE - 1, 1, 1, 1}, 2},   {0, {NONE, NONE, NONE, NONE}, 2},
        {0, {2, 0, NONE, NONE}, 2},    {0, {NONE, 1, 1, NONE}, 2},
        {0, {NONE, NONE, 1, 1}, 2},    {0, {0x80000000, 0x80000002, 0, 0}, 2},
    };
    struct evaluation got;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make(cases[i].flags, cases[i].lengths, "ab", cases[i].len);
        assert_false(reads(&got));
    }
}

/* Every byte counts, and so does every length. */
static void test_not_the_drivers(void **state)
{
    struct evaluation got;

    (void)state;
    make(0, (uint32_t[]){2, NONE, NONE, NONE}, "55", 2);
    for (size_t i = 0; i < report.len; i++) {
        report.data[i] ^= 1;
        assert_false(reads(&got));
        report.data[i] ^= 1;
    }
    assert_true(reads(&got));
    size_t whole = report.len;
    while (report.len-- > 0)
        assert_false(reads(&got));
    report.len = whole;
    sign("00000000" KEY);
    assert_false(reads(&got));
}

static void test_keys_differ(void **state)
{
    char a[EVALUATION_KEY_LEN + 1], b[EVALUATION_KEY_LEN + 1];

    (void)state;
    evaluation_key(a);
    evaluation_key(b);
    assert_int_equal(strlen(a), EVALUATION_KEY_LEN);
    assert_int_equal(strspn(a, "0123456789abcdef"), EVALUATION_KEY_LEN);
    assert_string_not_equal(a, b);
}

/* Executions. */

static struct {
    char result[64], name[64], warnings[200];
} seen;

static void on_evaluated(void *arg, struct execution *execution)
{
    const struct evaluation *evaluation = &execution_result(execution)->evaluation;
    const struct execution_request *request = execution_request(execution);

    snprintf(seen.result, sizeof seen.result, "%.*s", (int)evaluation->result.len,
             evaluation->result.data != NULL ? evaluation->result.data : "");
    snprintf(seen.name, sizeof seen.name, "%.*s", (int)evaluation->name.len,
             evaluation->name.data != NULL ? evaluation->name.data : "");
    seen.warnings[0] = '\0';
    for (size_t i = 0; i < request->warnings_len; i++)
        snprintf(seen.warnings + strlen(seen.warnings), sizeof seen.warnings - strlen(seen.warnings), "%s;",
                 request->warnings[i]);
    stage_listener.on_done(arg, execution);
}

static const struct execution_listener evaluated_listener = {.collects = true, .on_done = on_evaluated};

/* The key that the job brings, in the line after its file's. */
static void sign_for(const struct sim_box *box)
{
    static const char line[] = "FILE 644 .codecell-evaluate\nDATA ";
    const char *key = strstr(box->job.data, line);

    assert_non_null(key);
    sign(key + sizeof line - 1);
}

static void sim_report(struct sim *sim, struct sim_box *box)
{
    sim_frame(sim, box, FRAME_OUTPUT, FRAME_STEP_RUN, FRAME_RESULT, report.data, report.len);
}

static void reports(struct sim *sim, struct sim_box *box)
{
    make(1, (uint32_t[]){2, 1, 0, 0}, "55N", 3);
    sign_for(box);
    for (size_t i = 0; i < report.len; i++) /* a byte in each frame */
        sim_frame(sim, box, FRAME_OUTPUT, FRAME_STEP_RUN, FRAME_RESULT, report.data + i, 1);
    sim_hello(sim, box);
}

static void forges(struct sim *sim, struct sim_box *box)
{
    make(0, (uint32_t[]){2, NONE, NONE, NONE}, "55", 2);
    sim_report(sim, box);
    sim_hello(sim, box);
}

static void says_too_much(struct sim *sim, struct sim_box *box)
{
    static const char part[FRAME_PAYLOAD_MAX];

    for (size_t sent = 0; sent <= EVALUATION_REPORT_MAX; sent += sizeof part)
        sim_frame(sim, box, FRAME_OUTPUT, FRAME_STEP_RUN, FRAME_RESULT, part, sizeof part);
    sim_hello(sim, box);
}

static void reports_unasked(struct sim *sim, struct sim_box *box)
{
    make(0, (uint32_t[]){2, NONE, NONE, NONE}, "55", 2);
    sim_report(sim, box);
    sim_hello(sim, box);
}

static void times_out(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, FRAME_STEP_RUN, (struct frame_step_end){.exit_code = 124, .flags = FRAME_TIMED_OUT});
    sim_done(sim, box);
}

static char *evaluate_argv[] = {(char[]){"python3"}, (char[]){"evaluate"}, NULL};

static void run(void (*program)(struct sim *sim, struct sim_box *box), bool evaluate, const char *job)
{
    struct execution_request request = stage_request(&python, "print()");
    struct stage stage;
    struct error error = {0};

    stage_open(&stage);
    stage.sim.program = program;
    python_version.evaluate = evaluate_argv;
    request.evaluate = evaluate;
    assert_non_null(runner_submit(stage.runner, stage.keys[0], &request, &evaluated_listener, NULL, &error));
    sim_until(&stage.sim, stage.ended_len == 1);
    assert_non_null(strstr(sim_last(&stage.sim)->job.data, job));
    assert_int_equal(strstr(sim_last(&stage.sim)->job.data, ".codecell-evaluate") != NULL, evaluate);
    sim_until(&stage.sim, list_is_empty(&stage.runner->executions));
    stage_close(&stage);
}

static void expect(const char *result, const char *name, const char *warnings)
{
    assert_string_equal(seen.result, result);
    assert_string_equal(seen.name, name);
    assert_string_equal(seen.warnings, warnings);
}

static void test_execution(void **state)
{
    (void)state;
    run(reports, true, "STEP2 2000 1024 64M python3 evaluate\n");
    expect("55", "N", "evaluate: result is cut at 1048576 bytes;");
    run(forges, true, "python3 evaluate\n");
    expect("", "", "evaluate: the program left a report that is not the driver's, so there is no result;");
    run(says_too_much, true, "python3 evaluate\n");
    expect("", "", "evaluate: the program ended before its result was reported;");
    run(sim_hello, true, "python3 evaluate\n");
    expect("", "", "evaluate: the program ended before its result was reported;");
    run(times_out, true, "python3 evaluate\n");
    expect("", "", "");
    run(reports_unasked, false, "STEP2 2000 1024 64M python3 main.py\n");
    expect("", "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_read, teardown),
        cmocka_unit_test_teardown(test_the_most, teardown),
        cmocka_unit_test_teardown(test_malformed, teardown),
        cmocka_unit_test_teardown(test_not_the_drivers, teardown),
        cmocka_unit_test(test_keys_differ),
        cmocka_unit_test_teardown(test_execution, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
