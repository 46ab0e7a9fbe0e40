/* Frames that do not fit the format or the order: each ends the cell, after it was said why. */
#include "agent_trial.h"

#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const echo[] = {"echo", "hi", NULL};

/* The agent says FAILED, then ends by itself. */
static void expect_broken(struct trial *trial)
{
    trial_pump(trial, NULL);
    assert_true(trial->failed);
    assert_int_equal(trial->failure, FRAME_FAIL_FRAME);
    trial->failed = false;
    trial_pump(trial, NULL);
    assert_true(trial->eof);
    trial_close(trial);
}

struct raw {
    uint8_t bytes[32];
    size_t len;
};

static void test_malformed(void **state)
{
    static const struct raw cases[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0}, 8},                                 /* no type */
        {{255, 0, 0, 0, 0, 0, 0, 0}, 8},                               /* unknown */
        {{FRAME_READY, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0}, 12},          /* the agent's own */
        {{FRAME_START, 0, 0, 1, 0, 0, 0, 0}, 8},                       /* byte 3 */
        {{FRAME_ENV, 0, 0, 0, 1, 0, FRAME_PAYLOAD_MAX >> 16, 0}, 8},   /* a byte too much */
        {{FRAME_ENV, 0, 0, 0, 255, 255, 255, 255}, 8},                 /* of 4 GiB */
        {{FRAME_ENV, 0, 0, 0, 0, 0, 0, 0}, 8},                         /* no variable */
        {{FRAME_ENV, 0, 0, 0, 1, 0, 0, 0, 'A'}, 9},                    /* no '=' */
        {{FRAME_ENV, 0, 0, 0, 2, 0, 0, 0, '=', 'A'}, 10},              /* no name */
        {{FRAME_ENV, 0, 0, 0, 3, 0, 0, 0, 'A', '=', 0}, 11},           /* NUL in it */
        {{FRAME_ENV, 1, 0, 0, 3, 0, 0, 0, 'A', '=', '1'}, 11},         /* a step */
        {{FRAME_ENV, 0, 1, 0, 3, 0, 0, 0, 'A', '=', '1'}, 11},         /* a channel */
        {{FRAME_FILE, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3}, 11},              /* no whole mode */
        {{FRAME_FILE, 0, 0, 0, 5, 0, 0, 0, 0, 8, 0, 0, 'a'}, 13},      /* set-user-id */
        {{FRAME_FILE, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 128, 'a'}, 13},    /* an unknown bit of the mode */
        {{FRAME_FILE_DATA, 0, 0, 0, 1, 0, 0, 0, 'x'}, 9},              /* of no file */
        {{FRAME_START, 0, 0, 0, 0, 0, 0, 0}, 8},                       /* without a step */
        {{FRAME_STDIN, 0, 0, 0, 1, 0, 0, 0, 'x'}, 9},                  /* before START */
        {{FRAME_STDIN_END, 0, 0, 0, 0, 0, 0, 0}, 8},                   /* before START */
        {{FRAME_STEP, FRAME_STEP_RUN, 0, 0, 3, 0, 0, 0, 1, 2, 3}, 11}, /* no whole limits */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        trial_open(&trial, NULL);
        trial_send(&trial, cases[i].bytes, cases[i].len);
        expect_broken(&trial);
    }
}

static void send_step(struct trial *trial, uint8_t step, uint64_t timeout_ms, const char *argv, size_t len)
{
    uint8_t payload[64];
    frame_step_put(payload, &(struct frame_step_spec){.timeout_ms = timeout_ms, .output_max = 1000});
    memcpy(payload + FRAME_STEP_HEAD, argv, len);
    trial_frame(trial, FRAME_STEP, step, payload, FRAME_STEP_HEAD + len);
}

static void test_malformed_steps(void **state)
{
    static const struct {
        uint8_t step;
        uint64_t timeout_ms;
        const char *argv;
        size_t len;
    } cases[] = {
        {FRAME_STEP_RUN, 1000, "", 0},         /* no argv */
        {FRAME_STEP_RUN, 1000, "true", 4},     /* no NUL at its end */
        {FRAME_STEP_RUN, 1000, "", 1},         /* a name of nothing */
        {FRAME_STEP_RUN, 0, "true", 5},        /* no time */
        {FRAME_STEP_RUN, 86400001, "true", 5}, /* more than a day */
        {FRAME_STEP_RUN, UINT64_MAX, "true", 5},
        {0, 1000, "true", 5}, /* no step */
        {3, 1000, "true", 5},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        trial_open(&trial, NULL);
        send_step(&trial, cases[i].step, cases[i].timeout_ms, cases[i].argv, cases[i].len);
        expect_broken(&trial);
    }
}

/* Each letter is a sound frame; the last one comes where it may not. */
static void test_out_of_order(void **state)
{
    static const char *const orders[] = {"fe",  "ce", "re",  "cf",  "rf",  "rr",  "cc",  "rc",   "cd",   "rd",
                                         "fcd", "cs", "rss", "rsr", "rsf", "rse", "rxs", "rsxx", "rsxi", "csi"};
    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct trial trial;
        trial_open(&trial, NULL);
        for (const char *letter = orders[i]; *letter; letter++) {
            switch (*letter) {
            case 'e':
                trial_env(&trial, "A=1");
                break;
            case 'f':
                trial_file(&trial, "name", 0644, "", 0);
                break;
            case 'd':
                trial_frame(&trial, FRAME_FILE_DATA, 0, "x", 1);
                break;
            case 'c':
                send_step(&trial, FRAME_STEP_COMPILE, 60000, "sleep\0001000", 11);
                break;
            case 'r':
                send_step(&trial, FRAME_STEP_RUN, 60000, "sleep\0001000", 11);
                break;
            case 's':
                trial_frame(&trial, FRAME_START, 0, NULL, 0);
                break;
            case 'i':
                trial_frame(&trial, FRAME_STDIN, 0, "x", 1);
                break;
            default:
                trial_frame(&trial, FRAME_STDIN_END, 0, NULL, 0);
            }
        }
        expect_broken(&trial);
    }
}

static void test_too_many(void **state)
{
    static uint8_t many[FRAME_STEP_HEAD + 5000];
    char name[32];
    struct trial trial;
    (void)state;
    trial_open(&trial, NULL);
    for (int i = 0; i < 257; i++) {
        snprintf(name, sizeof name, "V%d=1", i);
        trial_env(&trial, name);
    }
    expect_broken(&trial);
    trial_open(&trial, NULL);
    for (int i = 0; i < 257; i++) {
        snprintf(name, sizeof name, "%d", i);
        trial_file(&trial, name, 0644, "", 0);
    }
    expect_broken(&trial);
    trial_open(&trial, NULL);
    memset(many, 0, sizeof many);
    frame_step_put(many, &(struct frame_step_spec){.timeout_ms = 1000});
    many[FRAME_STEP_HEAD] = 'x';
    trial_frame(&trial, FRAME_STEP, FRAME_STEP_RUN, many, sizeof many);
    expect_broken(&trial);
}

static void test_too_much_environment(void **state)
{
    static char variable[65536];
    struct trial trial;
    (void)state;
    memset(variable, 'x', sizeof variable);
    variable[1] = '=';
    trial_open(&trial, NULL);
    for (int i = 0; i < 3; i++) {
        variable[0] = (char)('A' + i);
        trial_frame(&trial, FRAME_ENV, 0, variable, sizeof variable);
    }
    expect_broken(&trial);
}

/* The same variable named often fits: only its bytes count. */
static void test_most_environment(void **state)
{
    char name[32];
    struct trial trial;
    (void)state;
    trial_open(&trial, NULL);
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "V%d=%d", i % 256, i);
        trial_env(&trial, name);
    }
    trial_sh(&trial, "env | grep -c ^V; echo $V0 $V255");
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "256\n1792 1791\n");
    trial_close(&trial);
}

/* A frame may come in any pieces. */
/* Whether the agent has read all that was written to it. */
static bool has_taken_all(const struct trial *trial)
{
    int left;
    assert_int_equal(ioctl(trial->in, FIONREAD, &left), 0);
    return left == 0;
}

static void test_byte_by_byte(void **state)
{
    struct trial trial;
    (void)state;
    trial_open(&trial, NULL);
    trial_env(&trial, "A=1");
    trial_file(&trial, "f", 0644, "data", 4);
    trial_step(&trial, FRAME_STEP_RUN, 10000, 1000, (const char *const[]){"cat", "f", "-", NULL});
    trial_start(&trial, "in", 2);
    for (; trial.sent < trial.waiting.len; trial.sent++) {
        assert_int_equal(write(trial.in, trial.waiting.data + trial.sent, 1), 1);
        trial_await(&trial, has_taken_all);
    }
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "datain");
    trial_close(&trial);
}

/* The stdin that comes after the job's end is for nobody, and the agent stays until the stream ends. */
static void test_after_the_end(void **state)
{
    static uint8_t more[500000];
    struct trial trial;
    (void)state;
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_RUN, 60000, 1000, echo);
    trial_frame(&trial, FRAME_START, 0, NULL, 0);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    for (size_t sent = 0; sent < sizeof more; sent += 100000)
        trial_frame(&trial, FRAME_STDIN, 0, more + sent, 100000);
    trial_frame(&trial, FRAME_STDIN_END, 0, NULL, 0);
    while (trial.sent < trial.waiting.len) {
        ssize_t n = write(trial.in, trial.waiting.data + trial.sent, trial.waiting.len - trial.sent);
        if (n < 0)
            assert_int_equal(errno, EAGAIN);
        else
            trial.sent += (size_t)n;
    }
    assert_int_equal(waitpid(trial.pid, NULL, WNOHANG), 0);
    trial_close(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_malformed_steps),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_too_much_environment),
        cmocka_unit_test(test_most_environment),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_after_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
