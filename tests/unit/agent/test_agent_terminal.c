/* A program in a terminal: what it is, keys, signals, sizes, end of file, and its end. And signals without one. */
#include "agent_trial.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((size_t)1048576)
#define SH(script) ((const char *const[]){"sh", "-c", script, NULL})

/* A step with a terminal, whose input has not ended yet. */
static void begin(struct trial *trial, uint64_t timeout_ms, const char *script)
{
    trial_open(trial, &(struct trial_options){.capsules = true});
    trial->size = (struct frame_size){80, 24};
    trial_step(trial, FRAME_STEP_RUN, timeout_ms, MIB, SH(script));
    trial_frame(trial, FRAME_START, 0, NULL, 0);
}

static void type(struct trial *trial, const char *text)
{
    trial_frame(trial, FRAME_STDIN, 0, text, strlen(text));
}

static void end_input(struct trial *trial)
{
    trial_frame(trial, FRAME_STDIN_END, 0, NULL, 0);
}

static bool says(const struct trial *trial, const char *word)
{
    const struct trial_bytes *out = &trial->output[FRAME_STEP_RUN][FRAME_STDOUT];
    return out->len > 0 && memmem(out->data, out->len, word, strlen(word)) != NULL;
}

static bool is_ready(const struct trial *trial)
{
    return says(trial, "ready\n") || says(trial, "ready\r\n");
}

static bool is_inside(const struct trial *trial)
{
    return says(trial, "ready2");
}

static void expect_text(struct trial *trial, const char *text)
{
    assert_string_equal(trial_text(trial, FRAME_STDOUT), text);
    assert_string_equal(trial_text(trial, FRAME_STDERR), "");
    trial_close(trial);
}

/* It is the program's controlling terminal, on all three descriptors, and both streams come as stdout. */
static void test_what_it_is(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, 10000, "tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo all; echo err >&2");
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    expect_text(&trial, "/dev/pts/0\r\n24 80\r\nall\r\nerr\r\n");
}

static void test_echo_and_lines(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, 10000, "read line; echo \"<$line>\"; exit 3");
    type(&trial, "ab\x7f"
                 "c\n"); /* 0x7f erases */
    trial_pump(&trial, NULL);
    trial_expect(&trial, 3, 0, 0);
    expect_text(&trial, "ab\b \bc\r\n<ac>\r\n");
}

/* In raw mode every byte goes through both ways as it is. */
static void test_raw(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, 10000, "stty raw -echo; echo ready; head -c 6");
    trial_pump(&trial, is_ready);
    type(&trial, "\x1b[A\x03\x04\r");
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    expect_text(&trial, "ready\n\x1b[A\x03\x04\r");
}

/* A key and a SIGNAL do the same. */
static void test_interrupt(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        struct trial trial;
        begin(&trial, 10000, "trap 'echo trapped; exit 4' INT; stty -echo; echo ready; while :; do sleep 0.05; done");
        trial_pump(&trial, is_ready);
        if (way == 0)
            type(&trial, "\x03");
        else
            trial_signal(&trial, SIGINT);
        trial_pump(&trial, NULL);
        trial_expect(&trial, 4, 0, 0);
        expect_text(&trial, "ready\r\ntrapped\r\n");
    }
}

static void test_foreground(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, 10000,
          "set -m; echo ready; sh -c 'trap \"echo inner; exit\" TERM; echo ready2; while :; do sleep 0.05; done' "
          "2>/dev/null; "
          "echo after; kill -9 %1 2>/dev/null; exit 5");
    trial_pump(&trial, is_ready);
    trial_signal(&trial, SIGWINCH); /* which nothing minds */
    trial_pump(&trial, is_inside);
    trial_signal(&trial, SIGTERM);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 5, 0, 0);
    expect_text(&trial, "ready\r\nready2\r\ninner\r\nafter\r\n");
}

static void test_resize(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, 10000, "trap 'echo changed; stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done");
    trial_pump(&trial, is_ready);
    trial_resize(&trial, 132, 43);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    expect_text(&trial, "ready\r\nchanged\r\n43 132\r\n");
}

/* A size that comes while the compiler runs is that of the terminal when it is made. */
static void test_resize_before_it_runs(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &(struct trial_options){.capsules = true});
    trial.size = (struct frame_size){80, 24};
    trial_step(&trial, FRAME_STEP_COMPILE, 10000, MIB, SH("test -t 1 || sleep 0.2"));
    trial_step(&trial, FRAME_STEP_RUN, 10000, MIB, SH("stty size"));
    trial_frame(&trial, FRAME_START, 0, NULL, 0);
    trial_signal(&trial, SIGKILL); /* dropped: no program runs yet */
    trial_resize(&trial, 100, 50);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    expect_text(&trial, "50 100\r\n");
}

/* Within a line one character ends the line, and a second one says the end. */
static void test_end_of_file(void **state)
{
    static const struct {
        const char *typed, *out;
    } cases[] = {{"", "0\r\n"}, {"one\n", "4\r\n"}, {"one", "3\r\n"}, {"one\ntwo", "7\r\n"}, {"x\x04", "1\r\n"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        begin(&trial, 10000, "stty -echo; echo ready; wc -c");
        trial_pump(&trial, is_ready);
        trial.output[FRAME_STEP_RUN][FRAME_STDOUT].len = 0;
        type(&trial, cases[i].typed);
        end_input(&trial);
        trial_signal(&trial, SIGWINCH); /* allowed after the end */
        trial_pump(&trial, NULL);
        trial_expect(&trial, 0, 0, 0);
        const char *text = trial_text(&trial, FRAME_STDOUT);
        assert_string_equal(text + (strncmp(text, "\r\n", 2) == 0 ? 2 : 0), cases[i].out);
        trial_close(&trial);
    }
}

/* All output arrives, also what was written just before the end. */
static void test_much_output(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, 20000, "head -c 500000 /dev/zero; printf '%s' last");
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    const struct trial_bytes *out = &trial.output[FRAME_STEP_RUN][FRAME_STDOUT];
    assert_int_equal(out->len, 500004);
    assert_memory_equal(out->data + 500000, "last", 4);
    trial_close(&trial);
}

/* A program that reads nothing: what is typed is bounded by the terminal, and the clock strikes. */
static void test_nothing_is_read(void **state)
{
    (void)state;
    struct trial trial;
    char *text = malloc(MIB);
    assert_non_null(text);
    memset(text, 'x', MIB);
    begin(&trial, 500, "stty raw; sleep 100");
    for (size_t at = 0; at < MIB; at += FRAME_PAYLOAD_MAX)
        trial_frame(&trial, FRAME_STDIN, 0, text + at, FRAME_PAYLOAD_MAX);
    end_input(&trial);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 124, SIGKILL, FRAME_TIMED_OUT);
    trial_close(&trial);
    free(text);
}

/* What holds the terminal open is ended with the program. */
static void test_left_behind(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, 10000, "trap '' HUP; sh -c 'trap \"\" HUP TERM; sleep 100' & echo out");
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    expect_text(&trial, "out\r\n");
}

static void test_no_such_program(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &(struct trial_options){.capsules = true});
    trial.size = (struct frame_size){80, 24};
    trial_step(&trial, FRAME_STEP_RUN, 1000, MIB, (const char *const[]){"/nowhere", NULL});
    trial_start(&trial, NULL, 0);
    trial_pump(&trial, NULL);
    assert_true(trial.failed);
    assert_int_equal(trial.failure, FRAME_FAIL_EXEC);
    trial_close(&trial);
}

/* Without a terminal a signal goes to the program's process group. */
static void test_signals_without_it(void **state)
{
    static const struct {
        uint32_t number;
        const char *name;
    } cases[] = {{SIGINT, "INT"},   {SIGTERM, "TERM"}, {SIGHUP, "HUP"},    {SIGUSR1, "USR1"},
                 {SIGUSR2, "USR2"}, {SIGQUIT, "QUIT"}, {SIGWINCH, "WINCH"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        char script[200];
        snprintf(script, sizeof script, "trap 'echo got; exit 7' %s; echo ready; while :; do sleep 0.05; done",
                 cases[i].name);
        trial_open(&trial, NULL);
        trial_step(&trial, FRAME_STEP_RUN, 10000, MIB, SH(script));
        trial_frame(&trial, FRAME_START, 0, NULL, 0);
        trial_pump(&trial, is_ready);
        trial_signal(&trial, cases[i].number);
        trial_pump(&trial, NULL);
        trial_expect(&trial, 7, 0, 0);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "ready\ngot\n");
        trial_close(&trial);
    }
}

static void test_kill(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_RUN, 10000, MIB, SH("echo ready; sleep 100"));
    trial_frame(&trial, FRAME_START, 0, NULL, 0);
    trial_pump(&trial, is_ready);
    trial_signal(&trial, SIGKILL);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 137, SIGKILL, 0);
    trial_signal(&trial, SIGKILL); /* dropped after the end */
    end_input(&trial);
    trial_signal(&trial, SIGKILL);
    trial_close(&trial);
}

static void expect_broken(struct trial *trial)
{
    trial_pump(trial, NULL);
    assert_true(trial->failed);
    assert_int_equal(trial->failure, FRAME_FAIL_FRAME);
    trial_close(trial);
}

static void test_bad_frames(void **state)
{
    (void)state;
    struct trial trial;
    for (int i = 0; i < 4; i++) {
        trial_open(&trial, NULL);
        if (i == 3) { /* before the job */
            trial_signal(&trial, SIGINT);
            expect_broken(&trial);
            continue;
        }
        trial_step(&trial, FRAME_STEP_RUN, 10000, MIB, SH("sleep 100"));
        trial_frame(&trial, FRAME_START, 0, NULL, 0);
        if (i == 0)
            trial_signal(&trial, SIGSTOP); /* not one of the eight */
        else if (i == 1)
            trial_resize(&trial, 80, 24); /* there is no terminal */
        else
            trial_frame(&trial, FRAME_SIGNAL, FRAME_STEP_RUN, "\2\0\0\0", 4);
        expect_broken(&trial);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_is),
        cmocka_unit_test(test_echo_and_lines),
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_foreground),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_resize_before_it_runs),
        cmocka_unit_test(test_end_of_file),
        cmocka_unit_test(test_much_output),
        cmocka_unit_test(test_nothing_is_read),
        cmocka_unit_test(test_left_behind),
        cmocka_unit_test(test_no_such_program),
        cmocka_unit_test(test_signals_without_it),
        cmocka_unit_test(test_kill),
        cmocka_unit_test(test_bad_frames),
    };
    int played = trial_main(argc, argv, NULL, 0);
    return played >= 0 ? played : cmocka_run_group_tests(tests, NULL, NULL);
}
