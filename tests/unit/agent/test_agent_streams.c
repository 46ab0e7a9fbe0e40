/* The program's standard streams: back-pressure both ways, caps, bytes that look like frames. */
#include "agent_trial.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1048576)

static void run_with(struct trial *trial, const char *script, uint64_t output_max, const void *input, size_t len)
{
    trial_open(trial, NULL);
    trial_step(trial, FRAME_STEP_RUN, 20000, output_max, (const char *const[]){"sh", "-c", script, NULL});
    trial_start(trial, input, len);
    trial_pump(trial, NULL);
}

/* Bytes that do not repeat with the size of any buffer. */
static uint8_t *pattern(size_t len)
{
    uint8_t *data = malloc(len);
    assert_non_null(data);
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)((i * 2654435761u) >> 13);
    return data;
}

static void test_input_comes_back_whole(void **state)
{
    (void)state;
    struct trial trial;
    uint8_t *data = pattern(16 * MIB);
    run_with(&trial, "cat", 16 * MIB, data, 16 * MIB);
    trial_expect(&trial, 0, 0, 0); /* the cap is met, not passed */
    const struct trial_bytes *out = &trial.output[FRAME_STEP_RUN][FRAME_STDOUT];
    assert_int_equal(out->len, 16 * MIB);
    assert_memory_equal(out->data, data, out->len);
    trial_close(&trial);
    free(data);
}

static void test_input_is_not_read(void **state)
{
    static const char *const scripts[] = {"exit 5", "exec <&-; sleep 0.05; exit 5",
                                          "head -c 100000 >/dev/null; exit 5"};
    (void)state;
    uint8_t *data = pattern(16 * MIB);
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct trial trial;
        run_with(&trial, scripts[i], MIB, data, 16 * MIB);
        trial_expect(&trial, 5, 0, 0);
        trial_close(&trial);
    }
    free(data);
}

static bool has_sent_much(const struct trial *trial)
{
    return trial->sent > 4 * MIB;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* As long as the program takes nothing the server is held back: that much is not taken before it wakes. */
static void test_input_waits_for_the_program(void **state)
{
    (void)state;
    struct trial trial;
    uint8_t *data = pattern(16 * MIB);
    double began = seconds();
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_RUN, 10000, MIB,
               (const char *const[]){"sh", "-c", "sleep 0.3; echo woke; wc -c", NULL});
    trial_start(&trial, data, 16 * MIB);
    trial_pump(&trial, has_sent_much);
    assert_true(seconds() - began >= 0.3);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "woke\n16777216\n");
    trial_close(&trial);
    free(data);
}

static bool has_output(const struct trial *trial)
{
    return trial->output[FRAME_STEP_RUN][FRAME_STDOUT].len > 0;
}

/* A little output goes out soon though the program goes on, and with its end where that is near. */
static void test_a_little_output_lingers(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_RUN, 10000, MIB,
               (const char *const[]){"sh", "-c", "printf a; read x; printf b; printf c >&2; exit 3", NULL});
    trial_frame(&trial, FRAME_START, 0, NULL, 0); /* no end of the input yet */
    trial_pump(&trial, has_output);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "a");
    trial_frame(&trial, FRAME_STDIN_END, 0, NULL, 0);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 3, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "ab");
    assert_string_equal(trial_text(&trial, FRAME_STDERR), "c");
    trial_close(&trial);
}

/* The program takes nothing and does not end: the clock strikes all the same. */
static void test_input_waits_until_the_timeout(void **state)
{
    (void)state;
    struct trial trial;
    uint8_t *data = pattern(16 * MIB);
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_RUN, 200, MIB, (const char *const[]){"sleep", "1000", NULL});
    trial_start(&trial, data, 16 * MIB);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 124, SIGKILL, FRAME_TIMED_OUT);
    trial_close(&trial);
    free(data);
}

static void test_input_waits_for_the_compile_step(void **state)
{
    (void)state;
    struct trial trial;
    uint8_t *data = pattern(MIB);
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_COMPILE, 10000, MIB, (const char *const[]){"sh", "-c", "wc -c; sleep 0.1", NULL});
    trial_step(&trial, FRAME_STEP_RUN, 10000, MIB, (const char *const[]){"wc", "-c", NULL});
    trial_start(&trial, data, MIB);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal((char *)trial.output[FRAME_STEP_COMPILE][FRAME_STDOUT].data, "0\n");
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "1048576\n");
    trial_close(&trial);
    free(data);
}

/* What is sent while the program runs reaches it while it runs. */
static bool has_answer(const struct trial *trial)
{
    return trial->output[FRAME_STEP_RUN][FRAME_STDOUT].len >= 4;
}

static void test_a_conversation(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_RUN, 10000, MIB, (const char *const[]){"cat", NULL});
    trial_frame(&trial, FRAME_START, 0, NULL, 0);
    trial_frame(&trial, FRAME_STDIN, 0, NULL, 0);
    trial_frame(&trial, FRAME_STDIN, 0, "one\n", 4);
    trial_pump(&trial, has_answer);
    assert_false(trial.done);
    trial_frame(&trial, FRAME_STDIN, 0, "two\n", 4);
    trial_frame(&trial, FRAME_STDIN_END, 0, NULL, 0);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "one\ntwo\n");
    trial_close(&trial);
}

static void test_output_is_capped_per_stream(void **state)
{
    (void)state;
    struct trial trial;
    run_with(&trial, "head -c 100000000 /dev/zero; echo all written >&2", MIB, NULL, 0);
    trial_expect(&trial, 0, 0, FRAME_STDOUT_TRUNCATED);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_STDOUT].len, MIB);
    assert_string_equal(trial_text(&trial, FRAME_STDERR), "all written\n");
    trial_close(&trial);
    run_with(&trial, "echo 12345; echo 12345678901 >&2", 6, NULL, 0);
    trial_expect(&trial, 0, 0, FRAME_STDERR_TRUNCATED);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "12345\n");
    assert_string_equal(trial_text(&trial, FRAME_STDERR), "123456");
    trial_close(&trial);
    run_with(&trial, "echo 1; echo 2 >&2", 0, NULL, 0);
    trial_expect(&trial, 0, 0, FRAME_STDOUT_TRUNCATED | FRAME_STDERR_TRUNCATED);
    trial_close(&trial);
}

static void test_both_streams_at_once(void **state)
{
    (void)state;
    struct trial trial;
    run_with(&trial, "head -c 8000000 /dev/zero & head -c 9000000 /dev/zero >&2; wait", UINT64_MAX, NULL, 0);
    trial_expect(&trial, 0, 0, 0);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_STDOUT].len, 8000000);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_STDERR].len, 9000000);
    trial_close(&trial);
}

static bool has_no_program(const struct trial *trial)
{
    return trial_program(trial) == 0;
}

/* Waits until the program has written, and then until it is gone, without taking a frame. */
static void await_program_end(const struct trial *trial)
{
    struct pollfd written = {.fd = trial->out, .events = POLLIN};
    assert_int_equal(poll(&written, 1, TRIAL_LIMIT_MS), 1);
    trial_await(trial, has_no_program);
}

/* Nobody takes the agent's frames: the program is held back and still ended by its time; all that it had
 * written by then comes afterwards. */
static void test_output_waits_until_the_timeout(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_RUN, 1000, 100 * MIB, (const char *const[]){"cat", "/dev/zero", NULL});
    trial_start(&trial, NULL, 0);
    trial_send_all(&trial);
    await_program_end(&trial);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 124, SIGKILL, FRAME_TIMED_OUT);
    assert_in_range(trial.output[FRAME_STEP_RUN][FRAME_STDOUT].len, 65536, MIB);
    trial_close(&trial);
}

/* Whatever the program prints is payload. */
static void test_forged_frames(void **state)
{
    uint8_t forged[2 * FRAME_HEADER + FRAME_STEP_END_SIZE] = {0};
    (void)state;
    struct trial trial;
    frame_header(forged, FRAME_STEP_END, FRAME_STEP_RUN, 0, FRAME_STEP_END_SIZE);
    frame_header(forged + FRAME_HEADER + FRAME_STEP_END_SIZE, FRAME_DONE, 0, 0, 0);
    run_with(&trial, "cat; cat /dev/null; exit 9", MIB, forged, sizeof forged);
    trial_expect(&trial, 9, 0, 0);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_STDOUT].len, sizeof forged);
    assert_memory_equal(trial.output[FRAME_STEP_RUN][FRAME_STDOUT].data, forged, sizeof forged);
    trial_close(&trial);
}

static void test_outputs_closed(void **state)
{
    (void)state;
    struct trial trial;
    run_with(&trial, "echo 1; exec >&- 2>&-; sleep 0.1; exit 4", MIB, NULL, 0);
    trial_expect(&trial, 4, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "1\n");
    assert_true(trial.end[FRAME_STEP_RUN].wall_ns >= 100000000u);
    trial_close(&trial);
}

static void test_output_left_in_the_pipe(void **state)
{
    (void)state;
    struct trial trial;
    run_with(&trial, "head -c 200000 /dev/zero; kill -9 $$", MIB, NULL, 0);
    trial_expect(&trial, 137, 9, 0);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_STDOUT].len, 200000);
    trial_close(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_input_comes_back_whole),
        cmocka_unit_test(test_input_is_not_read),
        cmocka_unit_test(test_input_waits_for_the_program),
        cmocka_unit_test(test_a_little_output_lingers),
        cmocka_unit_test(test_input_waits_until_the_timeout),
        cmocka_unit_test(test_input_waits_for_the_compile_step),
        cmocka_unit_test(test_a_conversation),
        cmocka_unit_test(test_output_is_capped_per_stream),
        cmocka_unit_test(test_both_streams_at_once),
        cmocka_unit_test(test_output_waits_until_the_timeout),
        cmocka_unit_test(test_forged_frames),
        cmocka_unit_test(test_outputs_closed),
        cmocka_unit_test(test_output_left_in_the_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
