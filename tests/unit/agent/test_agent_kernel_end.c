/* How a cell of a kernel ends: by its END, by the end of its process, by an interrupt, or because its channel is of no
 * use; and frames of kernels that break the rules. */
#include "kernel_driver.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define NEW FRAME_KERNEL_NEW
#define LIVES FRAME_KERNEL_LIVES

static void open_with(struct trial *trial, const char *code)
{
    trial_open(trial, NULL);
    trial->report_max = 1 << 20;
    kernel_cell(trial, code, "");
}

/* The next cell has a new kernel. */
static void close_after(struct trial *trial)
{
    kernel_cell(trial, "print on", "");
    kernel_expect(trial, 0, 0, NEW | LIVES);
    assert_string_equal(trial_text(trial, FRAME_STDOUT), "on");
    trial_close(trial);
}

/* What it wrote before is there. */
static void test_ends_without_end(void **state)
{
    struct trial trial;
    (void)state;
    open_with(&trial, "print before\nnote 3\nfork\ndie 3");
    kernel_expect(&trial, 3, 0, NEW);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "before");
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_RESULT].len, 11);
    close_after(&trial);
}

static bool is_gone(const struct trial *trial)
{
    return trial_program(trial) == 0;
}

/* It ends while the agent's outlet is full, so that its messages and END are still in the channel. */
static void test_end_before_death(void **state)
{
    static char code[500064];
    struct trial trial;
    (void)state;
    open_with(&trial, "");
    memset(code, 'a', 500000);
    snprintf(code + 500000, sizeof code - 500000, "\nnote 60000\nend-and-die 6");
    snprintf(code, 7, "print ");
    code[6] = 'a';
    kernel_begin(&trial, kernel_argv, 60000, code);
    trial_send_all(&trial);
    trial_await(&trial, is_gone);
    trial_pump(&trial, NULL);
    kernel_expect(&trial, 6, 0, 0);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_STDOUT].len, 499994);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_RESULT].len, 60008);
    close_after(&trial);
}

/* The agent has END first, and may stop the kernel before that has ended. */
static void test_end_at_once_before_death(void **state)
{
    struct trial trial;
    (void)state;
    open_with(&trial, "end-and-die 5");
    uint32_t lives = trial.end[FRAME_STEP_RUN].flags & LIVES;
    kernel_expect(&trial, 5, 0, NEW | lives);
    if (lives) {
        kernel_cell(&trial, "print never", "");
        kernel_expect(&trial, 99, 0, 0);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "");
    }
    close_after(&trial);
}

static void test_broken_channel(void **state)
{
    static const char *const codes[] = {"head 0 0",        "head 6 0",          "head 8 8",  "head 9 7",   "head 9 9",
                                        "head 4 16777217", "head 1 4294967295", "head 10 0", "head 256 0", "close"};
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct trial trial;
        char code[64];
        snprintf(code, sizeof code, "note 2\n%s\ndeaf", codes[i]);
        open_with(&trial, code);
        kernel_expect(&trial, 137, SIGKILL, NEW);
        assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_RESULT].len, 10);
        close_after(&trial);
    }
}

/* It has not read all of RUN, so it would take the rest for another message. */
static void test_end_too_early(void **state)
{
    static const char *const argv[] = {TRIAL_SELF, "as", "hasty", NULL};
    static char code[1000001];
    struct trial trial;
    (void)state;
    memset(code, 'a', sizeof code - 1);
    trial_open(&trial, NULL);
    kernel_begin(&trial, argv, 60000, code);
    trial_pump(&trial, NULL);
    kernel_expect(&trial, 137, SIGKILL, NEW);
    close_after(&trial);
}

static bool has_output(const struct trial *trial)
{
    return trial->output[FRAME_STEP_RUN][FRAME_STDOUT].len >= 4;
}

static void test_time_limit_interrupts(void **state)
{
    struct trial trial;
    (void)state;
    open_with(&trial, "set kept");
    kernel_begin(&trial, kernel_argv, 100, "fork\nspin\nnote 1");
    trial_pump(&trial, NULL);
    kernel_expect(&trial, 1, 0, LIVES | FRAME_TIMED_OUT | FRAME_INTERRUPTED);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_RESULT].len, 9);
    assert_true(trial.end[FRAME_STEP_RUN].wall_ns >= 100000000);
    kernel_cell(&trial, "child\nget", "");
    kernel_expect(&trial, 0, 0, LIVES);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "signal 9kept");
    trial_close(&trial);
}

static void test_interrupt_does_not_help(void **state)
{
    struct trial trial;
    (void)state;
    trial_open(&trial, NULL);
    kernel_begin(&trial, kernel_argv, 1000, "fork\ndeaf");
    trial_pump(&trial, NULL);
    kernel_expect(&trial, 124, SIGKILL, NEW | FRAME_TIMED_OUT | FRAME_INTERRUPTED);
    assert_in_range(trial.end[FRAME_STEP_RUN].wall_ns, 3000000000, 10000000000);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "deaf");
    close_after(&trial);
}

/* It reads its input, or does not. */
static void test_signals(void **state)
{
    static const struct {
        const char *code;
        uint32_t number, exit_code, signal, flags;
    } cases[] = {
        {"print begins\nspin", SIGINT, 1, 0, LIVES | FRAME_INTERRUPTED},
        {"print begins\ndeaf", SIGKILL, 137, SIGKILL, 0},
        {"print begins\ndeaf", SIGTERM, 143, SIGTERM, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        trial_open(&trial, NULL);
        kernel_begin(&trial, kernel_argv, 60000, cases[i].code);
        trial_pump(&trial, has_output);
        trial_signal(&trial, cases[i].number);
        trial_pump(&trial, NULL);
        kernel_expect(&trial, cases[i].exit_code, cases[i].signal, NEW | cases[i].flags);
        trial_close(&trial);
    }
}

/* It stands still in the end, or is killed; in neither case does it run on. */
static void test_it_does_not_want_to_stop(void **state)
{
    struct trial trial;
    (void)state;
    open_with(&trial, "rebel");
    uint32_t lives = trial.end[FRAME_STEP_RUN].flags & LIVES;
    kernel_expect(&trial, 0, 0, NEW | lives);
    pid_t program = trial_program(&trial);
    if (lives)
        assert_int_equal(trial_state(program), 'T');
    else
        assert_int_equal(program, 0);
    trial_close(&trial);
}

static void test_no_program(void **state)
{
    static const char *const argv[] = {"/nothing", NULL};
    struct trial trial;
    (void)state;
    trial_open(&trial, NULL);
    kernel_begin(&trial, argv, 1000, "");
    trial_pump(&trial, NULL);
    assert_true(trial.failed);
    assert_int_equal(trial.failure, FRAME_FAIL_EXEC);
    assert_int_equal(trial.error, ENOENT);
    trial_close(&trial);
}

/* Each letter is a sound frame; the last one comes where it may not. */
static void send_letter(struct trial *trial, char letter)
{
    static const char *const argv[] = {"sleep", "1000", NULL};
    trial->kernel = letter == 'k' || letter == 't';
    trial->size = letter == 't' ? (struct frame_size){80, 24} : (struct frame_size){0, 0};
    switch (letter) {
    case 'k': /* a kernel's step */
    case 't': /* one with a terminal */
    case 'r':
        trial_step(trial, FRAME_STEP_RUN, 60000, 1000, argv);
        break;
    case 'c':
        trial_step(trial, FRAME_STEP_COMPILE, 60000, 1000, argv);
        break;
    case 's':
        trial_frame(trial, FRAME_START, 0, NULL, 0);
        break;
    case 'p':
        trial_frame(trial, FRAME_PREPARE, 0, "\0\0\0\0", FRAME_PREPARE_SIZE);
        break;
    case 'o':
        trial_frame(trial, FRAME_CODE, 0, "x", 1);
        break;
    case 'i':
        trial_frame(trial, FRAME_STDIN, 0, "x", 1);
        break;
    case 'x':
        trial_frame(trial, FRAME_STDIN_END, 0, NULL, 0);
        break;
    default:
        trial_frame(trial, FRAME_KERNEL_END, 0, NULL, 0);
    }
}

static void test_out_of_order(void **state)
{
    static const char *const orders[] = {"t", "ck", "kp", "o", "ko", "rso", "ksio", "ksxo", "e", "ke", "kse", "ksoxe"};
    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct trial trial;
        trial_open(&trial, NULL);
        for (const char *letter = orders[i]; *letter; letter++)
            send_letter(&trial, *letter);
        trial_pump(&trial, NULL);
        assert_true(trial.failed);
        assert_int_equal(trial.failure, FRAME_FAIL_FRAME);
        trial_close(&trial);
    }
}

static const struct trial_role roles[] = {{"driver", kernel_driver}, {"hasty", kernel_hasty}};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_without_end),
        cmocka_unit_test(test_end_before_death),
        cmocka_unit_test(test_end_at_once_before_death),
        cmocka_unit_test(test_broken_channel),
        cmocka_unit_test(test_end_too_early),
        cmocka_unit_test(test_time_limit_interrupts),
        cmocka_unit_test(test_interrupt_does_not_help),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_it_does_not_want_to_stop),
        cmocka_unit_test(test_no_program),
        cmocka_unit_test(test_out_of_order),
    };
    int role = trial_main(argc, argv, roles, sizeof roles / sizeof *roles);
    return role >= 0 ? role : cmocka_run_group_tests(tests, NULL, NULL);
}
