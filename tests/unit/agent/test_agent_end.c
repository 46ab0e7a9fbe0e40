/* How a step ends: nothing that the program started outlives it, whatever it tried. */
#include "agent_trial.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_for(struct trial *trial, uint64_t timeout_ms, const char *script)
{
    trial_open(trial, NULL);
    trial_step(trial, FRAME_STEP_RUN, timeout_ms, 1000, (const char *const[]){"sh", "-c", script, NULL});
    trial_start(trial, NULL, 0);
    trial_pump(trial, NULL);
}

/* Process ids under the agent's /proc, as its namespace counts them: only 1 when the job is over. */
static unsigned processes_left(const struct trial *trial)
{
    char path[64];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/root/proc", trial->pid);
    DIR *proc = opendir(path);
    assert_non_null(proc);
    for (struct dirent *entry = readdir(proc); entry; entry = readdir(proc))
        count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
    closedir(proc);
    return count;
}

static void expect_timeout(struct trial *trial)
{
    trial_expect(trial, 124, SIGKILL, FRAME_TIMED_OUT);
    assert_int_equal(processes_left(trial), 1);
    trial_close(trial);
}

static void test_timeout(void **state)
{
    static const char *const scripts[] = {
        "sleep 1000",
        "trap '' TERM INT HUP QUIT; while :; do :; done",
        "exec >&- 2>&- <&-; sleep 1000",
        "setsid sleep 1000 & sleep 1000",
        "kill -STOP $$",
        "kill -STOP -1; kill -STOP $$",
        "yes",
        "while :; do sh -c 'sleep 1000 & sleep 1000 &' & wait $!; done",
    };
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct trial trial;
        trial_open(&trial, &(struct trial_options){.nproc = 100});
        trial_step(&trial, FRAME_STEP_RUN, 200, UINT64_MAX, (const char *const[]){"sh", "-c", scripts[i], NULL});
        trial_start(&trial, NULL, 0);
        trial_pump(&trial, NULL);
        const struct frame_step_end *end = &trial.end[FRAME_STEP_RUN];
        assert_true(end->wall_ns >= 200000000u && end->wall_ns < 60000000000u);
        expect_timeout(&trial);
    }
}

/* The first process's end is the step's, whoever holds its pipes. */
static void test_left_behind(void **state)
{
    static const char *const scripts[] = {
        "echo 1; sleep 1000 & exit 6",
        "echo 1; setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1; done' & exit 6",
        "echo 1; (setsid sh -c 'sleep 1000 & sleep 1000 & exit' &) ; exit 6",
        "echo 1; (yes >&2 &) ; exit 6",
        "echo 1; setsid sh -c 'kill -STOP $$' & exit 6",
    };
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct trial trial;
        run_for(&trial, 10000, scripts[i]);
        trial_expect(&trial, 6, 0, trial.end[FRAME_STEP_RUN].flags & FRAME_STDERR_TRUNCATED);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "1\n");
        assert_true(trial.end[FRAME_STEP_RUN].wall_ns < 60000000000u);
        assert_int_equal(processes_left(&trial), 1);
        trial_close(&trial);
    }
}

static void test_fork_bomb(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &(struct trial_options){.nproc = 60});
    trial_step(&trial, FRAME_STEP_RUN, 500, 1000, (const char *const[]){"sh", "-c", "b() { b | b & b; }; b; b", NULL});
    trial_start(&trial, NULL, 0);
    trial_pump(&trial, NULL);
    assert_true(trial.done);
    assert_int_equal(processes_left(&trial), 1);
    trial_close(&trial);
}

/* Three hundred orphans, more than are reaped in one go, come to the agent while the program runs; none is taken for
 * the first process. */
static int make_orphans(void)
{
    for (int i = 0; i < 300; i++) {
        pid_t child = fork();
        if (child == 0) {
            if (fork() == 0)
                _exit(77);
            _exit(0);
        }
        if (child < 0 || waitpid(child, NULL, 0) != child)
            return 1;
    }
    return 42;
}

static void test_orphans(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_self(&trial, "orphans");
    trial_expect(&trial, 42, 0, 0);
    trial_close(&trial);
}

/* A sibling: a child of the agent that it never started. */
static int make_sibling(void)
{
    pid_t child = (pid_t)syscall(SYS_clone, CLONE_PARENT, 0, 0, 0, 0);
    if (child == 0)
        _exit(77);
    while (child > 0 && kill(child, 0) == 0) /* until the agent has reaped it */
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    return child > 0 ? 43 : 1;
}

static void test_sibling(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_self(&trial, "sibling");
    trial_expect(&trial, 43, 0, 0);
    trial_close(&trial);
}

static void ignore(int signal)
{
    (void)signal;
}

/* The agent as tracer: its signals stop the program until it is let go. */
static int ask_to_be_traced(void)
{
    signal(SIGUSR1, ignore);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        return 1;
    raise(SIGUSR1);
    return 44;
}

static void test_asks_to_be_traced(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_self(&trial, "traced");
    trial_expect(&trial, 44, 0, 0);
    trial_close(&trial);
}

/* A write end of stdout in the queue of a socket that is in its own queue: nobody lives and yet the pipe
 * has no end until the kernel's garbage collector has come by. */
static int hide_a_pipe(void)
{
    int pair[2], sent[3];
    char space[CMSG_SPACE(sizeof sent)] = {0};
    struct iovec byte = {&(char){'x'}, 1};
    struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return 1;
    sent[0] = pair[0];
    sent[1] = pair[1];
    sent[2] = STDOUT_FILENO;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof sent);
    memcpy(CMSG_DATA(rights), sent, sizeof sent);
    return sendmsg(pair[0], &message, 0) == 1 ? 45 : 1;
}

static void test_hidden_pipe(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_self(&trial, "hidden");
    trial_expect(&trial, 45, 0, 0);
    trial_close(&trial);
}

static bool first_thread_lives(void)
{
    char text[512] = "";
    int fd = open("/proc/self/stat", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    return n <= 0 || !strstr(text, ") Z ");
}

static void *end_process(void *arg)
{
    (void)arg;
    while (first_thread_lives())
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    _exit(46);
}

/* The main thread's end is not the process's. */
static int end_in_a_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, end_process, NULL) != 0)
        return 1;
    pthread_exit(NULL);
}

static void test_ends_in_a_thread(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_self(&trial, "thread");
    trial_expect(&trial, 46, 0, 0);
    trial_close(&trial);
}

/* Signals to process 1 and to all processes do not change the agent. */
static int signal_the_agent(void)
{
    for (int number = 1; number <= 64; number++) {
        for (int i = 0; i < 100; i++)
            kill(1, number);
        sigqueue(1, number, (union sigval){.sival_int = 1});
    }
    kill(-1, SIGKILL);
    return 47;
}

static void test_signals_to_the_agent(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_self(&trial, "signals");
    trial_expect(&trial, 47, 0, 0);
    trial_close(&trial);
}

static bool has_output(const struct trial *trial)
{
    return trial->output[FRAME_STEP_RUN][FRAME_STDOUT].len > 0;
}

/* The stream's end ends the agent and all processes, even while stdin is held back. */
static void test_end_of_stream(void **state)
{
    static uint8_t input[4000000];
    (void)state;
    for (int held = 0; held < 2; held++) {
        struct trial trial;
        trial_open(&trial, NULL);
        trial_step(&trial, FRAME_STEP_RUN, 1000000, 1000,
                   (const char *const[]){"sh", "-c", "trap '' TERM HUP; echo up; sleep 1000", NULL});
        trial_start(&trial, input, held ? sizeof input : 0);
        trial_pump(&trial, has_output);
        assert_true(processes_left(&trial) > 1);
        trial_close(&trial); /* waits for process 1's end, which the kernel lets happen last */
    }
}

static void test_end_of_stream_without_a_job(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_env(&trial, "A=1");
    trial_close(&trial);
}

static bool has_closed_all(const struct trial *trial)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/root/tmp/closed", (int)trial->pid);
    return access(path, F_OK) == 0;
}

static bool sleeps(const struct trial *trial)
{
    return trial_state(trial->pid) == 'S';
}

/* The agent sleeps while its program has closed its streams and runs on, and after a job: one that polled in vain would
 * be running whenever it is looked at. */
static void test_waits_without_work(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_RUN, 1000000, 1000,
               (const char *const[]){"sh", "-c", "exec <&-; echo; exec >&- 2>&-; : >/tmp/closed; sleep 1000", NULL});
    trial_frame(&trial, FRAME_START, 0, NULL, 0);
    trial_pump(&trial, has_output);
    trial_await(&trial, has_closed_all);
    trial_await(&trial, sleeps);
    trial_close(&trial);

    trial_open(&trial, NULL);
    trial_sh(&trial, "exit 0");
    trial_await(&trial, sleeps);
    trial_close(&trial);
}

int main(int argc, char **argv)
{
    static const struct trial_role roles[] = {
        {"orphans", make_orphans}, {"sibling", make_sibling},   {"traced", ask_to_be_traced},
        {"hidden", hide_a_pipe},   {"thread", end_in_a_thread}, {"signals", signal_the_agent},
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_left_behind),
        cmocka_unit_test(test_fork_bomb),
        cmocka_unit_test(test_orphans),
        cmocka_unit_test(test_sibling),
        cmocka_unit_test(test_asks_to_be_traced),
        cmocka_unit_test(test_hidden_pipe),
        cmocka_unit_test(test_ends_in_a_thread),
        cmocka_unit_test(test_signals_to_the_agent),
        cmocka_unit_test(test_end_of_stream),
        cmocka_unit_test(test_end_of_stream_without_a_job),
        cmocka_unit_test(test_waits_without_work),
    };
    trial_main(argc, argv, roles, sizeof roles / sizeof *roles);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
