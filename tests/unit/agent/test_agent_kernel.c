/* A kernel lives: cell after cell in one process, which stands still between them, and plain jobs beside it. */
#include "kernel_driver.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#define LIVES FRAME_KERNEL_LIVES
#define NEW (FRAME_KERNEL_NEW | FRAME_KERNEL_LIVES)

static const struct trial_options capsules = {.capsules = true};
static const struct trial_options *const kinds[] = {NULL, &capsules};

static void expect_text(struct trial *trial, const char *code, const char *input, const char *text)
{
    kernel_cell(trial, code, input);
    kernel_expect(trial, 0, 0, LIVES);
    assert_string_equal(trial_text(trial, FRAME_STDOUT), text);
}

static void open_kernel(struct trial *trial, const struct trial_options *options, const char *code)
{
    trial_open(trial, options);
    trial->report_max = 1 << 20;
    kernel_cell(trial, code, "");
    kernel_expect(trial, 0, 0, NEW);
}

static void test_state_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct trial trial;
        open_kernel(&trial, kinds[i], "set x = 1\nprint one\nwarn two");
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "one");
        assert_string_equal(trial_text(&trial, FRAME_STDERR), "two");
        pid_t first = trial_program(&trial);
        expect_text(&trial, "get", "", "x = 1");
        kernel_cell(&trial, "exit 259", "");
        kernel_expect(&trial, 3, 0, LIVES); /* its lowest byte */
        expect_text(&trial, "descriptors", "", "3 3");
        if (i == 0) /* in a capsule, the agent is the keeper's child */
            assert_int_equal(trial_program(&trial), first);
        trial_close(&trial);
    }
}

/* Input ends in each cell. What a cell has not read, the next does not see. */
static void test_input(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct trial trial;
        open_kernel(&trial, kinds[i], "read"); /* nothing, to its end */
        expect_text(&trial, "read", "first", "first");
        expect_text(&trial, "read", "second", "second");
        expect_text(&trial, "read 2", "leftovers", "le");
        expect_text(&trial, "read", "xy", "xy");
        expect_text(&trial, "read", "", "");
        trial_close(&trial);
    }
}

/* END often comes when the pipes are still full. */
static void test_output_before_the_end(void **state)
{
    static char code[200007] = "print ";
    struct trial trial;
    (void)state;
    memset(code + 6, 'a', 200000);
    open_kernel(&trial, NULL, code);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_STDOUT].len, 200000);
    kernel_cell(&trial, "print next", "");
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "next");
    trial_close(&trial);
}

/* They come as they were sent, with their heads. */
static void test_messages(void **state)
{
    static const char expected[] = "\4\0\0\0\3\0\0\0nnn\5\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0";
    struct trial trial;
    (void)state;
    open_kernel(&trial, NULL, "note 3\nstale 1\nhead 5 0\nhead 1 0\nstale 4000000000");
    const struct trial_bytes *came = &trial.output[FRAME_STEP_RUN][FRAME_RESULT];
    assert_int_equal(came->len, sizeof expected - 1);
    assert_memory_equal(came->data, expected, came->len);
    kernel_cell(&trial, "note 700000", "");
    kernel_expect(&trial, 0, 0, LIVES);
    assert_int_equal(came->len, 700008);
    trial_close(&trial);
}

/* A message that does not fit any more is left out as a whole, and a shorter one after it may fit. */
static void test_report_limit(void **state)
{
    struct trial trial;
    (void)state;
    open_kernel(&trial, NULL, "");
    trial.report_max = 100;
    kernel_cell(&trial, "note 50\nnote 50\nnote 34\nnote 0", "");
    kernel_expect(&trial, 0, 0, LIVES | FRAME_REPORT_TRUNCATED);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_RESULT].len, 58 + 42);
    trial.report_max = 0;
    kernel_cell(&trial, "note 100000", "");
    kernel_expect(&trial, 0, 0, LIVES | FRAME_REPORT_TRUNCATED);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_RESULT].len, 0);
    expect_text(&trial, "print on", "", "on");
    trial_close(&trial);
}

/* Processes that a cell has started end with it; the kernel sees it as soon as it goes on. */
static void test_children_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct trial trial;
        open_kernel(&trial, kinds[i], "fork");
        expect_text(&trial, "child", "", "signal 9");
        expect_text(&trial, "fork\nfork\nfork", "", "");
        trial_close(&trial);
    }
}

/* A thread goes on in the next cell. Until then it stands still, and uses no time. */
static void test_threads_stand_still(void **state)
{
    struct trial trial;
    (void)state;
    open_kernel(&trial, NULL, "thread\ncounts");
    pid_t kernel = trial_program(&trial);
    assert_int_equal(trial_state(kernel), 'T');
    uint64_t used = trial_cpu_ns(kernel);
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    assert_int_equal(trial_cpu_ns(kernel), used);
    expect_text(&trial, "counts", "", "counts");
    assert_int_equal(trial_state(kernel), 'T');
    trial_close(&trial);
}

/* Its processes end, and it does not harm the kernel. What it sees of it, it may stop and let go on. */
static void test_plain_jobs(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct trial trial;
        open_kernel(&trial, kinds[i], "set here\nthread");
        kernel_plain(&trial, "echo plain; sleep 1000 & kill -CONT -1; exit 4");
        trial_expect(&trial, 4, 0, 0);
        assert_true(trial.last.kernel);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "plain\n");
        if (i == 0)
            assert_int_equal(trial_state(trial_program(&trial)), 'T');
        trial_again(&trial);
        trial_step(&trial, FRAME_STEP_RUN, 100, 1000, (const char *const[]){"sleep", "1000", NULL});
        trial_start(&trial, NULL, 0);
        trial_pump(&trial, NULL);
        trial_expect(&trial, 124, SIGKILL, FRAME_TIMED_OUT);
        expect_text(&trial, "get\ncounts", "", "herecounts");
        trial_close(&trial);
    }
}

/* It is gone when DONE comes, and the next cell starts another. */
static void test_killed_by_a_plain_job(void **state)
{
    struct trial trial;
    (void)state;
    open_kernel(&trial, NULL, "set here");
    kernel_plain(&trial, "kill -9 -1; echo killed");
    trial_expect(&trial, 0, 0, 0);
    assert_false(trial.last.kernel);
    kernel_cell(&trial, "get\nset again", "");
    kernel_expect(&trial, 0, 0, NEW);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "");
    expect_text(&trial, "get", "", "again");
    trial_close(&trial);
}

static void test_another_argv(void **state)
{
    static const char *const others[][5] = {{TRIAL_SELF, "as", "driver", "other", NULL},
                                            {TRIAL_SELF, "as", "driver", "", NULL},
                                            {TRIAL_SELF, "as", "driver"}};
    struct trial trial;
    (void)state;
    open_kernel(&trial, NULL, "set here");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        kernel_begin(&trial, others[i], 60000, "get\nset there");
        trial_pump(&trial, NULL);
        kernel_expect(&trial, 0, 0, NEW);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "");
    }
    expect_text(&trial, "get", "", "there");
    trial_close(&trial);
}

static void test_kernel_end(void **state)
{
    struct trial trial;
    (void)state;
    open_kernel(&trial, NULL, "thread");
    trial_frame(&trial, FRAME_KERNEL_END, 0, NULL, 0);
    trial_frame(&trial, FRAME_KERNEL_END, 0, NULL, 0); /* there is none: nothing happens */
    kernel_plain(&trial, "set -- /proc/[0-9]*; echo $#");
    trial_expect(&trial, 0, 0, 0);
    assert_false(trial.last.kernel);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "2\n"); /* the agent and this shell */
    kernel_cell(&trial, "", "");
    kernel_expect(&trial, 0, 0, NEW);
    trial_close(&trial);
}

/* What it holds counts from the start of its next cell, and with a plain job's memory, too. */
static void test_memory(void **state)
{
    static const struct trial_cgroup cgroup = {
        ".",
        {"memory.current", "memory.peak", "memory.max", "memory.stat"},
        {"60000000\n", "60000000\n", "200000000\n", "anon 5000000\nfile 0\nshmem 0\n"},
    };
    struct trial trial;
    (void)state;
    trial_open(&trial, &(struct trial_options){.cgroup = &cgroup});
    trial.memory_bytes = 64000000;
    kernel_cell(&trial, "stat 50000000", "");
    kernel_expect(&trial, 0, 0, NEW);
    assert_in_range(trial.end[FRAME_STEP_RUN].peak_bytes, 47000000, 50000000);
    expect_text(&trial, "print fits", "", "fits");
    trial.memory_bytes = 40000000;
    kernel_begin(&trial, kernel_argv, 60000, "spin");
    trial_pump(&trial, NULL);
    kernel_expect(&trial, 137, SIGKILL, FRAME_OUT_OF_MEMORY);
    trial.memory_bytes = 64000000;
    kernel_cell(&trial, "stat 50000000", "");
    kernel_expect(&trial, 0, 0, NEW);
    kernel_plain(&trial, "cd /sys/fs/cgroup; printf 'anon 90000000\\nfile 0\\nshmem 0\\n' > memory.stat; sleep 1000");
    trial_expect(&trial, 137, SIGKILL, FRAME_OUT_OF_MEMORY);
    assert_true(trial.last.kernel);
    trial_close(&trial);
}

static const struct trial_role roles[] = {{"driver", kernel_driver}};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_stays),
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_output_before_the_end),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_report_limit),
        cmocka_unit_test(test_children_end),
        cmocka_unit_test(test_threads_stand_still),
        cmocka_unit_test(test_plain_jobs),
        cmocka_unit_test(test_killed_by_a_plain_job),
        cmocka_unit_test(test_another_argv),
        cmocka_unit_test(test_kernel_end),
        cmocka_unit_test(test_memory),
    };
    int role = trial_main(argc, argv, roles, sizeof roles / sizeof *roles);
    return role >= 0 ? role : cmocka_run_group_tests(tests, NULL, NULL);
}
