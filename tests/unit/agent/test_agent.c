/* The agent's job from READY to DONE: programs, variables, arguments, steps, limits on time. */
#include "agent_trial.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_hello(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_sh(&trial, "echo hello; echo oh >&2");
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "hello\n");
    assert_string_equal(trial_text(&trial, FRAME_STDERR), "oh\n");
    const struct frame_step_end *end = &trial.end[FRAME_STEP_RUN];
    assert_true(end->wall_ns > 0 && end->wall_ns < 10000000000u);
    assert_true(end->peak_bytes > 0);
    trial_close(&trial);
}

static void test_exit_codes(void **state)
{
    static const uint32_t codes[] = {1, 2, 124, 127, 128, 137, 255};
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct trial trial;
        char script[32];
        snprintf(script, sizeof script, "exit %u", codes[i]);
        trial_open(&trial, NULL);
        trial_sh(&trial, script);
        trial_expect(&trial, codes[i], 0, 0);
        trial_close(&trial);
    }
}

/* Those whose default is not to end a process. */
static bool is_harmless(int signal)
{
    return signal == SIGCHLD || signal == SIGCONT || signal == SIGURG || signal == SIGWINCH || signal == SIGSTOP ||
           signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU || signal == 32 || signal == 33;
}

/* Each signal ends a program that has changed nothing: dispositions and mask were the defaults. */
static void test_signals(void **state)
{
    (void)state;
    for (int signal = 1; signal <= 64; signal++) {
        if (is_harmless(signal))
            continue;
        struct trial trial;
        char script[32];
        snprintf(script, sizeof script, "kill -%d $$; exit 3", signal);
        trial_open(&trial, NULL);
        trial_sh(&trial, script);
        trial_expect(&trial, 128 + (uint32_t)signal, (uint32_t)signal, 0);
        trial_close(&trial);
    }
}

static void test_cpu_time(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_sh(&trial, "(i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done) & wait");
    trial_expect(&trial, 0, 0, 0);
    const struct frame_step_end *end = &trial.end[FRAME_STEP_RUN];
    assert_true(end->cpu_ns > 10000000u && end->cpu_ns < 2 * end->wall_ns + 10000000u);
    trial_close(&trial);
}

static void test_environment(void **state)
{
    const struct trial_options options = {.variable = "FROM=image"};
    (void)state;
    struct trial trial;
    trial_open(&trial, &options);
    trial_env(&trial, "A=1");
    trial_env(&trial, "B=x=y z");
    trial_env(&trial, "A=2");
    trial_env(&trial, "EMPTY=");
    trial_env(&trial, "LANG=C.UTF-8");
    trial_run(&trial, (const char *const[]){"env", NULL});
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "PATH=/usr/local/bin:/usr/bin:/bin\nFROM=image\n"
                                                          "HOME=/tmp/work\nA=2\nB=x=y z\nEMPTY=\nLANG=C.UTF-8\n");
    trial_close(&trial);
}

/* What Podman tells a container about itself is not told to programs; a job's own variable of that name is. */
static void test_podmans_variable(void **state)
{
    const struct trial_options options = {.variable = "container=podman"};
    (void)state;
    for (int own = 0; own < 2; own++) {
        struct trial trial;
        trial_open(&trial, &options);
        if (own)
            trial_env(&trial, "container=mine");
        trial_sh(&trial, "echo ${container-none}");
        trial_expect(&trial, 0, 0, 0);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), own ? "mine\n" : "none\n");
        trial_close(&trial);
    }
}

static void test_home_and_path_of_the_job(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_env(&trial, "HOME=/elsewhere");
    trial_env(&trial, "PATH=/tmp/work/bin:/usr/bin:/bin");
    trial_file(&trial, "bin/greet", 0755, "#!/bin/sh\necho from $HOME $1\n", 29);
    trial_run(&trial, (const char *const[]){"greet", "me", NULL});
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "from /elsewhere me\n");
    trial_close(&trial);
}

static void test_arguments(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_run(&trial, (const char *const[]){"printf", "[%s]", "a b", "", "\xff\n", NULL});
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "[a b][][\xff\n]");
    trial_close(&trial);
}

/* What the program finds: its descriptors, session, mask, folder, limit of cores. */
static void test_surroundings(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_sh(
        &trial,
        "pwd; umask; ls /proc/$$/fd; "
        "grep -E '^(Sig(Blk|Ign)|Seccomp:|NoNewPrivs|CapEff)' /proc/self/status | tr -d '\\t';"
        "[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo own session; grep '^Max core' /proc/$$/limits | tr -d ' '");
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT),
                        "/tmp/work\n0022\n0\n1\n2\nSigBlk:0000000000000000\nSigIgn:0000000000000000\n"
                        "CapEff:0000000000000000\nNoNewPrivs:1\nSeccomp:2\nown session\nMaxcorefilesize11bytes\n");
    trial_close(&trial);
}

static void test_standard_devices(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_RUN, 10000, 1048576,
               (const char *const[]){"sh", "-c", "cat /dev/stdin > /dev/stdout; echo e > /dev/stderr", NULL});
    trial_start(&trial, "in\n", 3);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "in\n");
    assert_string_equal(trial_text(&trial, FRAME_STDERR), "e\n");
    trial_close(&trial);
}

static void expect_no_program(const char *name, uint32_t error)
{
    struct trial trial;
    trial_open(&trial, NULL);
    trial_file(&trial, "plain", 0644, "#!/bin/sh\n", 10);
    trial_file(&trial, "no-interpreter", 0755, "#!/nowhere\n", 11);
    trial_file(&trial, "no-format", 0755, "echo ran\n", 9);
    trial_run(&trial, (const char *const[]){name, NULL});
    assert_true(trial.failed);
    assert_int_equal(trial.failure, FRAME_FAIL_EXEC);
    assert_int_equal(trial.error, error);
    assert_false(trial.ended[FRAME_STEP_RUN]);
    trial_close(&trial);
}

static void test_no_program(void **state)
{
    (void)state;
    expect_no_program("/nowhere", ENOENT);
    expect_no_program("not-in-the-path", ENOENT);
    expect_no_program("./plain", EACCES);
    expect_no_program("./no-interpreter", ENOENT);
    expect_no_program("./no-format", ENOEXEC); /* no shell is asked to make sense of it */
    expect_no_program("/tmp", EACCES);
}

/* Both steps: the second sees what the first made, and stdin goes to the second alone. */
static void test_compile_and_run(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_COMPILE, 10000, 1000,
               (const char *const[]){"sh", "-c", "cat; echo compiling; sleep 1000 & echo made > made", NULL});
    trial_step(&trial, FRAME_STEP_RUN, 10000, 1000,
               (const char *const[]){"sh", "-c", "cat made -; grep -ls sleep /proc/[0-9]*/comm; echo alone", NULL});
    trial_start(&trial, "input\n", 6);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    assert_int_equal(trial.end[FRAME_STEP_COMPILE].exit_code, 0);
    assert_string_equal((char *)trial.output[FRAME_STEP_COMPILE][FRAME_STDOUT].data, "compiling\n");
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "made\ninput\nalone\n");
    trial_close(&trial);
}

static void compile_only(struct trial *trial, const char *script, uint64_t timeout_ms)
{
    trial_open(trial, NULL);
    trial_step(trial, FRAME_STEP_COMPILE, timeout_ms, 1000, (const char *const[]){"sh", "-c", script, NULL});
    trial_step(trial, FRAME_STEP_RUN, 10000, 1000, (const char *const[]){"echo", "run", NULL});
    trial_start(trial, "input", 5);
    trial_pump(trial, NULL);
    assert_true(trial->done);
    assert_true(trial->ended[FRAME_STEP_COMPILE]);
    assert_false(trial->ended[FRAME_STEP_RUN]);
}

static void test_compile_fails(void **state)
{
    (void)state;
    struct trial trial;
    compile_only(&trial, "echo bad >&2; exit 1", 10000);
    assert_int_equal(trial.end[FRAME_STEP_COMPILE].exit_code, 1);
    assert_string_equal((char *)trial.output[FRAME_STEP_COMPILE][FRAME_STDERR].data, "bad\n");
    trial_close(&trial);
    compile_only(&trial, "sleep 1000", 50);
    assert_int_equal(trial.end[FRAME_STEP_COMPILE].exit_code, 124);
    assert_int_equal(trial.end[FRAME_STEP_COMPILE].flags, FRAME_TIMED_OUT);
    trial_close(&trial);
}

static void test_the_run_step_is_no_program(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_COMPILE, 10000, 1000, (const char *const[]){"true", NULL});
    trial_run(&trial, (const char *const[]){"./never-made", NULL});
    assert_true(trial.failed);
    assert_int_equal(trial.failure, FRAME_FAIL_EXEC);
    assert_true(trial.ended[FRAME_STEP_COMPILE]);
    trial_close(&trial);
}

/* Anywhere but at the root of a namespace it would be a program like any other. */
static void test_refuses_to_be_another_process(void **state)
{
    int status;
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        close(STDERR_FILENO);
        execl(AGENT_PATH, AGENT_PATH, (char *)NULL);
        _exit(99);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_cpu_time),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_podmans_variable),
        cmocka_unit_test(test_home_and_path_of_the_job),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_surroundings),
        cmocka_unit_test(test_standard_devices),
        cmocka_unit_test(test_no_program),
        cmocka_unit_test(test_compile_and_run),
        cmocka_unit_test(test_compile_fails),
        cmocka_unit_test(test_the_run_step_is_no_program),
        cmocka_unit_test(test_refuses_to_be_another_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
