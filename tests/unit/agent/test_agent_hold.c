/* Prewarmed interpreters: started before their job and held at their first look for it; the job cannot notice. */
#include "agent_trial.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <time.h>

#define OUTPUT_MAX 1048576
#define AT_FILE "\0\0\0\0" /* FRAME_HOLD_FILE */
#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

static void send_prepare(struct trial *trial, const char *const argv[])
{
    trial_send_prepare(trial, FRAME_STEP_RUN, FRAME_HOLD_FILE, argv);
}

static void prepare(struct trial *trial, const char *const argv[], bool held)
{
    trial_prepare(trial, FRAME_STEP_RUN, FRAME_HOLD_FILE, argv, held);
}

/* Opens a trial in which `argv` is held, or cannot be. */
static void open_held(struct trial *trial, const char *const argv[], bool held)
{
    trial_open(trial, NULL);
    prepare(trial, argv, held);
}

struct program {
    const char *file, *code;
    const char *argv[8];
    const char *input;
};

static void send_job(struct trial *trial, const struct program *job, uint64_t timeout_ms)
{
    if (job->file)
        trial_file(trial, job->file, 0644, job->code, strlen(job->code));
    trial_step(trial, FRAME_STEP_RUN, timeout_ms, OUTPUT_MAX, job->argv);
    trial_start(trial, job->input, job->input ? strlen(job->input) : 0);
}

static void run_job(struct trial *trial, const struct program *job)
{
    send_job(trial, job, 60000);
    trial_pump(trial, NULL);
}

/* What a program can see of itself, of others, and of the folder. */
#define LOOK_AROUND                                                                                               \
    "pwd; umask; env; ls /proc/$$/fd; ls -A /tmp .; echo $$ $PPID /proc/[0-9]*; ulimit -a; cat /proc/$$/cmdline;" \
    "while read -r line; do case $line in Sig[!Q]*|Seccomp:*|NoNew*|Cap*|Tracer*|Threads*|NSpid*|Shd*) echo "     \
    "\"$line\";"                                                                                                  \
    "esac; done </proc/self/status; cat /proc/$$/oom_score_adj; cut -d' ' -f4-8 /proc/$$/stat; exec cat -"

static const struct program jobs[] = {
    {"main.sh", LOOK_AROUND, {"/usr/bin/bash", "main.sh"}, "in\nput"},
    {"main.sh", LOOK_AROUND, {"/bin/sh", "main.sh"}, "in\nput"},
    {"main.sh", "kill -SEGV $$", {"/usr/bin/bash", "main.sh"}, NULL},
    {"main.sh", "exec 3<>file; echo $0 >&3; rm file; exit 9", {"/usr/bin/bash", "main.sh"}, NULL},
    {"main.py",
     "import os, sys, threading\n"
     "print(sys.argv, sys.path, __file__, sys.flags, os.getcwd(), sorted(os.environ.items()), os.getppid())\n"
     "print(sorted(sys.modules), os.listdir('/proc/self/fd'), os.listdir('.'), os.listdir('/tmp'))\n"
     "print([l for l in open('/proc/self/status') if l.startswith(('Tracer', 'SigP', 'SigB', 'SigI', 'SigC', "
     "'Threads'))], os.getpid())\n"
     "threading.Thread(target=lambda: print(input())).start()\n"
     "sys.stderr.write(str(os.getsid(0) == os.getpid() == os.getpgid(0)))\nsys.exit(7)\n",
     {"/usr/bin/python3", "main.py"},
     "a line\n"},
    {"main.py", "import helper", {"/usr/bin/python3", "main.py"}, NULL},
    {"main.py", "syntax error", {"/usr/bin/python3", "main.py"}, NULL},
    {"other.py", "print(1)", {"/usr/bin/python3", "main.py"}, NULL}, /* its program is missing */
    {"__main__.py", "import os; print(os.listdir())", {"/usr/bin/python3", "."}, NULL},
    {"main", "", {"/usr/bin/python3", "-c", "import os; print(os.listdir()); print(input())"}, "x\n"},
    {NULL, NULL, {"/usr/bin/python3"}, "print(6 * 7)"}, /* the program comes from stdin */
    {NULL, NULL, {"/bin/cat"}, "through\n"},
};

static void test_the_same_as_fresh(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        struct trial fresh, held;
        trial_open(&fresh, NULL);
        run_job(&fresh, &jobs[i]);
        open_held(&held, jobs[i].argv, true);
        run_job(&held, &jobs[i]);
        assert_int_equal(held.prepared, 1);
        trial_expect_same(&fresh, &held);
        trial_close(&fresh);
        trial_close(&held);
    }
}

/* All of it in one write: the agent has read START before the interpreter came far. */
static void test_a_job_while_it_prepares(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        struct trial fresh, early;
        trial_open(&fresh, NULL);
        run_job(&fresh, &jobs[i]);
        trial_open(&early, NULL);
        send_prepare(&early, jobs[i].argv);
        run_job(&early, &jobs[i]);
        assert_int_equal(early.prepared, 0);
        trial_expect_same(&fresh, &early);
        trial_close(&fresh);
        trial_close(&early);
    }
}

/* Bash counts $SECONDS from a clock that it reads right after it has asked for its user: held there, it starts at 0. So
 * the second at which it began to count is none from before its release. */
static void test_held_before_it_reads_the_clock(void **state)
{
    static const char *const argv[] = {"/usr/bin/bash", "main.sh", NULL};
    static const struct program job = {
        "main.sh", "s=$SECONDS; echo $((EPOCHSECONDS - s))", {"/usr/bin/bash", "main.sh"}, NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_prepare(&trial, FRAME_STEP_RUN, FRAME_HOLD_GETUID, argv, true);
    time_t prepared = time(NULL), released;
    while ((released = time(NULL)) <= prepared)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    run_job(&trial, &job);
    trial_expect(&trial, 0, 0, 0);
    assert_true(strtol(trial_text(&trial, FRAME_STDOUT), NULL, 10) >= released);
    trial_close(&trial);
}

static void test_variables(void **state)
{
    static const struct program job = {"main.sh", "echo $A $B $HOME; ls -A /tmp", {"/usr/bin/bash", "main.sh"}, NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_env(&trial, "A=1");
    trial_env(&trial, "B=2");
    trial_env(&trial, "HOME=/h");
    prepare(&trial, job.argv, true);
    trial_env(&trial, "A=0");
    trial_env(&trial, "B=2");
    trial_env(&trial, "HOME=/h");
    trial_env(&trial, "A=1");
    run_job(&trial, &job);
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "1 2 /h\nwork\n");
    trial_close(&trial);
}

/* Who is there: the agent and the one that asks, whatever was held before. */
#define ALONE "cd /proc; for p in [0-9]*; do [ $p = $$ ] || echo $p; done; ls -A /tmp; echo $A $1"

static const struct program alone = {"main.sh", ALONE, {"/usr/bin/bash", "main.sh", "x"}, NULL};

static void expect_alone(struct trial *trial, const char *text)
{
    trial_expect(trial, 0, 0, 0);
    assert_string_equal(trial_text(trial, FRAME_STDOUT), text);
    assert_string_equal(trial_text(trial, FRAME_STDERR), "");
    trial_close(trial);
}

static void test_another_job_is_fresh(void **state)
{
    (void)state;
    for (int early = 0; early < 2; early++) {
        struct trial trial;
        trial_open(&trial, NULL); /* fewer arguments */
        if (early)
            send_prepare(&trial, ARGV("/usr/bin/bash", "main.sh"));
        else
            prepare(&trial, ARGV("/usr/bin/bash", "main.sh"), true);
        run_job(&trial, &alone);
        expect_alone(&trial, "1\nwork\nx\n");

        trial_open(&trial, NULL); /* another value */
        trial_env(&trial, "A=1");
        if (early)
            send_prepare(&trial, alone.argv);
        else
            prepare(&trial, alone.argv, true);
        trial_env(&trial, "A=2");
        run_job(&trial, &alone);
        expect_alone(&trial, "1\nwork\n2 x\n");

        trial_open(&trial, NULL); /* one variable more */
        if (early)
            send_prepare(&trial, alone.argv);
        else
            prepare(&trial, alone.argv, true);
        trial_env(&trial, "A=3");
        run_job(&trial, &alone);
        expect_alone(&trial, "1\nwork\n3 x\n");
    }
}

/* It asked for a hidden file, found none, and is held later: right for a job that brings none, and for no other. */
static void test_a_job_that_brings_a_hidden_file(void **state)
{
    static const char *const argv[] = {
        "/bin/sh", "-c", "[ -e /tmp/work/.rc ] && echo rc; [ -e /tmp/work/.d/x ] && echo x; set -- *; echo $*", NULL};
    static const struct {
        const char *file, *said;
    } cases[] = {{"main", "main\n"}, {".rc", "rc\n*\n"}, {".d/x", "x\n*\n"}, {"a/.rc", "a\n"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        struct program job = {cases[i].file, "", {argv[0], argv[1], argv[2]}, NULL};
        open_held(&trial, argv, true);
        run_job(&trial, &job);
        trial_expect(&trial, 0, 0, 0);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), cases[i].said);
        trial_close(&trial);
    }
}

/* Everything that the sandboxed world lets a job say is as if nothing had been prepared. */
static void expect_fresh_job(struct trial *trial)
{
    run_job(trial, &alone);
    expect_alone(trial, "1\nwork\nx\n");
}

static void test_what_cannot_be_held(void **state)
{
    static const char *const scripts[] = {"exit 3", "echo said; kill -SEGV $$", "kill -STOP $$; cat main",
                                          "printf x | tr x y; kill -9 $$"};
    (void)state;
    struct trial trial;
    for (size_t i = 0; i < 3; i++) {
        open_held(&trial, ARGV("/bin/sh", "-c", scripts[i]), false);
        expect_fresh_job(&trial);
    }
    open_held(&trial, ARGV("/no/such/program"), false);
    expect_fresh_job(&trial);
    open_held(&trial, ARGV("/bin/sh", "-c", scripts[3]), true); /* held before its first process */
    expect_fresh_job(&trial);
}

/* A program that could not be held is started afresh. */
static void test_what_ends_early_runs_again(void **state)
{
    static const struct program job = {NULL, NULL, {"/bin/sh", "-c", "echo once; exit 3"}, NULL};
    (void)state;
    struct trial trial;
    open_held(&trial, job.argv, false);
    run_job(&trial, &job);
    trial_expect(&trial, 3, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "once\n");
    trial_close(&trial);
}

/* It may prepare for twenty seconds, but a job does not wait for it. */
static void test_what_never_looks(void **state)
{
    static const char *const argv[] = {"/bin/sh", "-c", "while :; do :; done", NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    send_prepare(&trial, argv);
    expect_fresh_job(&trial);
    open_held(&trial, argv, false);
    expect_fresh_job(&trial);
}

static void test_what_it_wrote_before(void **state)
{
    static const struct program job = {
        "main", "main\n", {"/bin/sh", "-c", "echo early; echo x >/tmp/x; cat main /tmp/x; ls /tmp"}, NULL};
    (void)state;
    struct trial trial;
    open_held(&trial, job.argv, true);
    run_job(&trial, &job);
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "early\nmain\nx\nwork\nx\n");
    trial_close(&trial);
    open_held(&trial, job.argv, true);
    expect_fresh_job(&trial);
}

/* It prints more than its pipe takes, so it blocks until there is a job. */
static void test_much_output_before(void **state)
{
    static const struct program job = {
        NULL,
        NULL,
        {"/bin/sh", "-c", "i=0; while [ $((i += 1)) -le 40000 ]; do echo 0123456789012345678901234567890; done"},
        NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    send_prepare(&trial, job.argv);
    send_job(&trial, &job, 60000);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, FRAME_STDOUT_TRUNCATED);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_STDOUT].len, OUTPUT_MAX);
    trial_close(&trial);
}

/* Time on this test's clock. */
static uint64_t now_ns(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Sends the job and waits for its end; asserts that the time it is said to have taken passed after it was sent. */
static void run_timed(struct trial *trial, const struct program *job, uint64_t timeout_ms)
{
    uint64_t sent = now_ns();
    send_job(trial, job, timeout_ms);
    trial_pump(trial, NULL);
    assert_true(trial->end[FRAME_STEP_RUN].wall_ns <= now_ns() - sent);
}

/* It is held for longer than it may run: the time that it waits is what is tested. */
static void test_time_counts_from_the_release(void **state)
{
    static const struct program quick = {"main.sh", "echo quick", {"/bin/sh", "main.sh"}, NULL};
    static const struct program slow = {"main.sh", "while :; do :; done", {"/bin/sh", "main.sh"}, NULL};
    (void)state;
    struct trial trial;
    open_held(&trial, quick.argv, true);
    nanosleep(&(struct timespec){0, 400000000}, NULL);
    run_timed(&trial, &quick, 60000);
    trial_expect(&trial, 0, 0, 0);
    trial_close(&trial);

    open_held(&trial, slow.argv, true);
    nanosleep(&(struct timespec){0, 400000000}, NULL);
    run_timed(&trial, &slow, 300);
    trial_expect(&trial, 124, SIGKILL, FRAME_TIMED_OUT);
    assert_true(trial.end[FRAME_STEP_RUN].wall_ns >= 300000000);
    trial_close(&trial);
}

/* All of its work comes before: a count from its start would be no less than what it had used by then. */
static void test_cpu_counts_from_the_release(void **state)
{
    static const struct program job = {
        NULL, NULL, {"/bin/sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; read x"}, NULL};
    (void)state;
    struct trial trial;
    open_held(&trial, job.argv, true);
    uint64_t before_ns = trial_cpu_ns(trial_program(&trial));
    run_timed(&trial, &job, 60000);
    trial_expect(&trial, 1, 0, 0);
    assert_true(trial.end[FRAME_STEP_RUN].cpu_ns < before_ns);
    trial_close(&trial);
}

/* The most memory that it had counts its preparation, as that of a fresh one does. */
static void test_peak(void **state)
{
    static const struct program job = {"main.py", "x = b'1' * 40000000", {"/usr/bin/python3", "main.py"}, NULL};
    (void)state;
    struct trial fresh, held;
    trial_open(&fresh, NULL);
    run_job(&fresh, &job);
    open_held(&held, job.argv, true);
    run_job(&held, &job);
    uint64_t a = fresh.end[FRAME_STEP_RUN].peak_bytes, b = held.end[FRAME_STEP_RUN].peak_bytes;
    assert_true(a > 40000000 && b > 40000000);
    trial_close(&fresh);
    trial_close(&held);
}

static void test_files_that_do_not_fit(void **state)
{
    (void)state;
    struct trial trial;
    open_held(&trial, alone.argv, true);
    trial_file(&trial, "a", 0644, "", 0);
    trial_file(&trial, "a", 0644, "", 0);
    run_job(&trial, &alone);
    assert_true(trial.failed);
    assert_int_equal(trial.failure, FRAME_FAIL_FILE);
    trial_close(&trial);
}

static void expect_frame_failure(struct trial *trial)
{
    trial_pump(trial, NULL);
    assert_true(trial->failed);
    assert_int_equal(trial->failure, FRAME_FAIL_FRAME);
    trial_close(trial);
}

static void test_frames_out_of_order(void **state)
{
    static const char *const argv[] = {"/usr/bin/python3", "main.py", NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL); /* without a run step */
    trial_env(&trial, "A=1");
    trial_frame(&trial, FRAME_PREPARE, 0, AT_FILE, 4);
    expect_frame_failure(&trial);
    open_held(&trial, argv, true); /* twice */
    send_prepare(&trial, argv);
    expect_frame_failure(&trial);
    trial_open(&trial, NULL); /* with a file */
    trial_file(&trial, "main.py", 0644, "", 0);
    send_prepare(&trial, argv);
    expect_frame_failure(&trial);
    trial_open(&trial, NULL); /* with two steps */
    trial_step(&trial, FRAME_STEP_COMPILE, 60000, OUTPUT_MAX, argv);
    send_prepare(&trial, argv);
    expect_frame_failure(&trial);
    for (size_t i = 0; i < 4; i++) { /* where else? */
        static const struct {
            const char *data;
            size_t len;
        } bad[] = {{NULL, 0}, {"\1", 1}, {"\3\0\0\0", 4}, {"\0\0\0\0", 5}};
        trial_open(&trial, NULL);
        trial_step(&trial, FRAME_STEP_RUN, 60000, OUTPUT_MAX, argv);
        trial_frame(&trial, FRAME_PREPARE, 0, bad[i].data, bad[i].len);
        expect_frame_failure(&trial);
    }
    trial_open(&trial, NULL); /* of a step */
    trial_step(&trial, FRAME_STEP_RUN, 60000, OUTPUT_MAX, argv);
    trial_frame(&trial, FRAME_PREPARE, FRAME_STEP_RUN, AT_FILE, 4);
    expect_frame_failure(&trial);
    trial_open(&trial, NULL); /* after START */
    trial_step(&trial, FRAME_STEP_RUN, 60000, OUTPUT_MAX, ARGV("/bin/sh", "-c", "while :; do :; done"));
    trial_frame(&trial, FRAME_START, 0, NULL, 0);
    trial_frame(&trial, FRAME_PREPARE, 0, AT_FILE, 4);
    expect_frame_failure(&trial);
    open_held(&trial, argv, true); /* a job must have its own run step */
    trial_frame(&trial, FRAME_START, 0, NULL, 0);
    expect_frame_failure(&trial);
}

/* trial_close sees that the agent ends, and with it all that it holds. */
static void test_the_stream_ends(void **state)
{
    (void)state;
    struct trial trial;
    open_held(&trial, ARGV("/usr/bin/python3", "main.py"), true);
    trial_close(&trial);
    trial_open(&trial, NULL);
    send_prepare(&trial, ARGV("/bin/sh", "-c", "while :; do :; done"));
    trial_env(&trial, "A=1");
    trial_send_all(&trial);
    trial_close(&trial);
}

/* A released program is a child like any other: it may trace and be traced. */
static int play_traced(void)
{
    FILE *main = fopen("main", "r");
    if (!main || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        return 1;
    raise(SIGTRAP); /* the agent lets it go */
    raise(SIGURG);
    return 11 + fclose(main);
}

static void test_the_released_may_be_traced(void **state)
{
    static const struct program job = {"main", "", {TRIAL_SELF, "as", "traced"}, NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_env(&trial, "ASAN_OPTIONS=detect_leaks=0");
    prepare(&trial, job.argv, true);
    trial_env(&trial, "ASAN_OPTIONS=detect_leaks=0");
    run_job(&trial, &job);
    trial_expect(&trial, 11, 0, 0);
    trial_close(&trial);
}

static void test_signals_on_the_way(void **state)
{
    static const struct program job = {
        "main",
        "m\n",
        {"/bin/bash", "-c", "trap 'echo got' USR1; kill -USR1 $$; trap 'echo trap' TRAP; kill -TRAP $$; cat main"},
        NULL};
    (void)state;
    struct trial trial;
    open_held(&trial, job.argv, true);
    run_job(&trial, &job);
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "got\ntrap\nm\n");
    trial_close(&trial);
}

/* A wrapper that executes the interpreter is one process all the way. */
static void test_exec_on_the_way(void **state)
{
    static const struct program job = {
        "main.sh", "echo $0", {"/bin/sh", "-c", "exec /usr/bin/env /usr/bin/bash main.sh"}, NULL};
    (void)state;
    struct trial trial;
    open_held(&trial, job.argv, true);
    run_job(&trial, &job);
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "main.sh\n");
    trial_close(&trial);
}

/* A reset cell can be prewarmed again; the interpreter before has left nothing. */
static void test_after_a_reset(void **state)
{
    static const struct trial_options capsules = {.capsules = true};
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    for (unsigned round = 0; round < 3; round++) {
        prepare(&trial, alone.argv, true);
        run_job(&trial, &alone);
        trial_expect(&trial, 0, 0, 0);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "1\nwork\nx\n");
        trial_reset(&trial);
        assert_true(trial.ready);
    }
    trial_close(&trial);
}

int main(int argc, char **argv)
{
    static const struct trial_role roles[] = {{"traced", play_traced}};
    int played = trial_main(argc, argv, roles, sizeof roles / sizeof *roles);
    if (played >= 0)
        return played;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_as_fresh),
        cmocka_unit_test(test_a_job_while_it_prepares),
        cmocka_unit_test(test_held_before_it_reads_the_clock),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_another_job_is_fresh),
        cmocka_unit_test(test_a_job_that_brings_a_hidden_file),
        cmocka_unit_test(test_what_cannot_be_held),
        cmocka_unit_test(test_what_ends_early_runs_again),
        cmocka_unit_test(test_what_never_looks),
        cmocka_unit_test(test_what_it_wrote_before),
        cmocka_unit_test(test_much_output_before),
        cmocka_unit_test(test_time_counts_from_the_release),
        cmocka_unit_test(test_cpu_counts_from_the_release),
        cmocka_unit_test(test_peak),
        cmocka_unit_test(test_files_that_do_not_fit),
        cmocka_unit_test(test_frames_out_of_order),
        cmocka_unit_test(test_the_stream_ends),
        cmocka_unit_test(test_the_released_may_be_traced),
        cmocka_unit_test(test_signals_on_the_way),
        cmocka_unit_test(test_exec_on_the_way),
        cmocka_unit_test(test_after_a_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
