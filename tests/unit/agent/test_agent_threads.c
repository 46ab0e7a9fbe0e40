/* Processes of several threads that wait, compile steps that wait, and processes that are held later: whichever thread
 * looks is held, the others go on, and the job cannot tell. */
#include "agent_trial.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define OUTPUT_MAX 1048576
#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ASAN "ASAN_OPTIONS=detect_leaks=0"

/* What the test program plays inside. Each ends by showing the file `main` in some thread. */

static int show(const char *path)
{
    char text[256];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (n < 0)
        printf("%s: no\n", path);
    else
        printf("%s: %.*s", path, (int)n, text);
    fflush(stdout);
    return fd < 0 || n < 0 ? 1 : close(fd);
}

static void *show_main(void *result)
{
    *(int *)result = show("main");
    return NULL;
}

static pthread_t start(void *(*run)(void *), void *arg)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, arg) != 0)
        _exit(90);
    return thread;
}

/* As a JVM does it. */
static int play_joined(void)
{
    int result = 2;
    pthread_join(start(show_main, &result), NULL);
    return result;
}

/* The state of one of this process's threads, as proc(5) has it ('S': it waits, 'Z': it has ended). */
static char thread_state(pid_t thread)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return '?';
    text[n] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end && name_end[1] == ' ' ? name_end[2] : '?';
}

static void await_state(pid_t thread, char state)
{
    for (int waited = 0; thread_state(thread) != state; waited++) {
        if (waited == TRIAL_LIMIT_MS)
            _exit(92);
        usleep(1000);
    }
}

static void *show_and_exit(void *nothing)
{
    (void)nothing;
    await_state(getpid(), 'Z'); /* its first thread has ended */
    exit(show("main") + 5);
}

static int play_leader_exits(void)
{
    start(show_and_exit, NULL);
    pthread_exit(NULL);
}

static void *pass(void *nothing)
{
    return nothing;
}

/* They end before and while another is held. */
static int play_short_lives(void)
{
    for (int i = 0; i < 200; i++)
        pthread_detach(start(pass, NULL));
    return play_joined();
}

static sem_t gate;
static int waits[2];
static _Atomic pid_t waiting[3]; /* the threads that will wait; 0: not begun */

/* Longer than it is held by the test, so all is as if nobody had stopped it. */
static void *sleeps(void *nothing)
{
    struct timespec left = {0, 400000000};
    waiting[0] = gettid();
    waits[0] = nanosleep(&left, NULL);
    return nothing;
}

static void *polls(void *nothing)
{
    waiting[1] = gettid();
    waits[1] = poll(NULL, 0, 400);
    return nothing;
}

static void *waits_at_gate(void *nothing)
{
    waiting[2] = gettid();
    while (sem_wait(&gate) < 0)
        waits[0]++;
    return nothing;
}

static void *spins(void *stop)
{
    while (!*(volatile int *)stop)
        ;
    return NULL;
}

/* On a busy machine one may have waited already, and have ended. */
static void await_waiting(void)
{
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++) {
        while (waiting[i] == 0)
            usleep(1000);
        while (thread_state(waiting[i]) != 'S' && thread_state(waiting[i]) != '?')
            usleep(1000);
    }
}

/* Threads that wait and one that works, while another looks. */
static int play_busy(void)
{
    int stop = 0, result = 2;
    sem_init(&gate, 0, 0);
    pthread_t threads[] = {start(sleeps, NULL), start(polls, NULL), start(waits_at_gate, NULL), start(spins, &stop)};
    await_waiting();
    pthread_join(start(show_main, &result), NULL);
    stop = 1;
    sem_post(&gate);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        pthread_join(threads[i], NULL);
    printf("%d %d\n", waits[0], waits[1]);
    fflush(stdout);
    return result;
}

static void *executes(void *nothing)
{
    (void)nothing;
    execl(TRIAL_SELF, TRIAL_SELF, "as", "joined", (char *)NULL);
    _exit(91);
}

static int play_executes(void)
{
    start(spins, &(int){0});
    pthread_join(start(executes, NULL), NULL);
    return 92;
}

static int play_executes_and_leader_exits(void)
{
    start(executes, NULL);
    pthread_exit(NULL);
}

/* More than are followed. */
static int play_crowd(void)
{
    sem_init(&gate, 0, 0);
    for (int i = 0; i < 300; i++) {
        pthread_attr_t small;
        pthread_t thread;
        pthread_attr_init(&small);
        pthread_attr_setstacksize(&small, 65536);
        if (pthread_create(&thread, &small, waits_at_gate, NULL) != 0)
            return 3;
    }
    return show("main");
}

/* Nobody of it is traced any more, and all signals are at rest. */
static void *looks_after(void *result)
{
    *(int *)result = show("main");
    *(int *)result += /* once all sleep: system() itself blocks signals until it waits */
        system("for t in /proc/$PPID/task/*; do until grep -q '^State:.S' $t/status; do :; done; done;"
               "for t in /proc/$PPID/task/*; do grep -E '^(TracerPid|State|Sig|Shd)' $t/status; done | grep -v SigQ");
    return NULL;
}

static int play_looked_after(void)
{
    int result = 2;
    pthread_join(start(looks_after, &result), NULL);
    return result;
}

/* A thread's own files and processes. */
static void *leave_traces(void *nothing)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/deep/socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (mkdir("/tmp/deep", 0700) < 0 || mkdir("/tmp/deep/deeper", 0700) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod("/tmp/deep", 0755) < 0 ||
        close(open("/tmp/deep/deeper/file", O_CREAT | O_WRONLY, 0)) < 0)
        _exit(2);
    if (fork() == 0)
        for (;;)
            pause();
    if (system("true | cat; touch /tmp/deep/touched; test -e main") < 0 || syscall(SYS_clone, 0, 0, 0, 0, 0) == 0)
        _exit(0);
    return nothing;
}

static int play_leaves_traces(void)
{
    struct stat found;
    printf("%d %d\n", stat("main", &found), access("/tmp/work/main", R_OK)); /* for OPEN: before it is there */
    pthread_join(start(leave_traces, NULL), NULL);
    return play_joined();
}

static const char busy_work[] = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; : | cat; sh -c "
                                "'j=0; while [ $j -lt 300000 ]; do j=$((j+1)); done'; read x <main";

static const struct trial_role roles[] = {
    {"joined", play_joined},
    {"leader_exits", play_leader_exits},
    {"short_lives", play_short_lives},
    {"busy", play_busy},
    {"executes", play_executes},
    {"executes_and_leader_exits", play_executes_and_leader_exits},
    {"looked_after", play_looked_after},
    {"crowd", play_crowd},
    {"leaves_traces", play_leaves_traces},
};

/* Jobs. */

static void prepare(struct trial *trial, enum frame_hold hold, const char *const argv[], bool held)
{
    trial_env(trial, ASAN);
    trial_prepare(trial, FRAME_STEP_RUN, hold, argv, held);
}

static void run_job(struct trial *trial, const char *const argv[])
{
    trial_env(trial, ASAN);
    trial_file(trial, "main", 0644, "the job's\n", 10);
    trial_run(trial, argv);
}

/* Who is there, and what: as if nothing had been prepared. */
#define ALONE "cd /proc; for p in [0-9]*; do [ $p = $$ ] || echo $p; done; ls -A /tmp; cat /tmp/work/main"

static void expect_fresh_job(struct trial *trial)
{
    run_job(trial, ARGV("/usr/bin/bash", "-c", ALONE));
    trial_expect(trial, 0, 0, 0);
    assert_string_equal(trial_text(trial, FRAME_STDOUT), "1\nwork\nthe job's\n");
    assert_string_equal(trial_text(trial, FRAME_STDERR), "");
}

static void check_role(const char *name, enum frame_hold hold)
{
    const char *const argv[] = {TRIAL_SELF, "as", name, NULL};
    struct trial fresh, held, early, other;
    trial_open(&fresh, NULL);
    run_job(&fresh, argv);

    trial_open(&held, NULL);
    prepare(&held, hold, argv, true);
    run_job(&held, argv);
    trial_expect_same(&fresh, &held);
    trial_close(&held);

    trial_open(&early, NULL); /* all of it in one write */
    trial_env(&early, ASAN);
    trial_send_prepare(&early, FRAME_STEP_RUN, hold, argv);
    run_job(&early, argv);
    assert_int_equal(early.prepared, 0);
    trial_expect_same(&fresh, &early);
    trial_close(&early);
    trial_close(&fresh);

    trial_open(&other, NULL);
    prepare(&other, hold, argv, true);
    expect_fresh_job(&other);
    trial_close(&other);
}

static void test_whichever_thread_looks(void **state)
{
    static const char *const names[] = {
        "joined", "leader_exits", "short_lives", "busy", "executes", "executes_and_leader_exits", "looked_after"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (enum frame_hold hold = FRAME_HOLD_FILE; hold <= FRAME_HOLD_OPEN; hold += FRAME_HOLD_OPEN)
            check_role(names[i], hold);
}

static void test_too_many_threads(void **state)
{
    const char *const argv[] = {TRIAL_SELF, "as", "crowd", NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    prepare(&trial, FRAME_HOLD_FILE, argv, false);
    run_job(&trial, argv);
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "main: the job's\n");
    trial_close(&trial);
}

/* A job comes at any moment of a process's beginning. */
static void test_a_job_at_any_moment(void **state)
{
    const char *const argv[] = {TRIAL_SELF, "as", "busy", NULL};
    (void)state;
    for (int i = 0; i < 60; i++) {
        struct trial trial;
        trial_open(&trial, NULL);
        trial_env(&trial, ASAN);
        trial_send_prepare(&trial, FRAME_STEP_RUN, FRAME_HOLD_OPEN, argv);
        trial_send_all(&trial);
        usleep((unsigned)i * 500); /* any moment is right */
        run_job(&trial, argv);
        trial_expect(&trial, 0, 0, 0);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "main: the job's\n0 0\n");
        trial_close(&trial);
    }
}

/* Held later: what it made and started until then is the job's, or is gone. */
static void test_what_it_left(void **state)
{
    static const struct trial_options capsules = {.capsules = true};
    const char *const argv[] = {TRIAL_SELF, "as", "leaves_traces", NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    for (int round = 0; round < 4; round++) {
        prepare(&trial, FRAME_HOLD_OPEN, argv, true);
        if (round % 2 == 0) {
            run_job(&trial, argv);
            trial_expect(&trial, 0, 0, 0);
            assert_string_equal(trial_text(&trial, FRAME_STDOUT), "-1 -1\nmain: the job's\n");
        } else {
            expect_fresh_job(&trial);
        }
        trial_reset(&trial);
        assert_true(trial.ready);
    }
    trial_close(&trial);
    trial_open(&trial, NULL); /* held at once where it is not to look around */
    prepare(&trial, FRAME_HOLD_FILE, argv, true);
    run_job(&trial, argv);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "0 0\nmain: the job's\n");
    trial_close(&trial);
}

static void test_a_hidden_file_that_was_opened(void **state)
{
    static const char *const argv[] = {"/usr/bin/bash", "-c", "echo $(<.rc) $(<main)", NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    prepare(&trial, FRAME_HOLD_OPEN, argv, true);
    trial_env(&trial, ASAN);
    trial_file(&trial, ".rc", 0644, "rc", 2);
    trial_file(&trial, "main", 0644, "the job's\n", 10);
    trial_run(&trial, argv);
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "rc the job's\n");
    trial_close(&trial);
}

/* It asked for a file before the job had brought it: right for the job's first, its program, and for no other. */
static void test_a_file_that_was_asked_for(void **state)
{
    static const char *const argv[] = {
        "/bin/sh", "-c", "for f in main a d/x; do [ -e $f ] && echo $f; done; read -r x <main; echo $x", NULL};
    static const struct {
        const char *file, *said;
    } cases[] = {{"b", "the job's\n"}, {"a", "main\na\nthe job's\n"}, {"d/y", "main\nthe job's\n"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        trial_open(&trial, NULL);
        trial_prepare(&trial, FRAME_STEP_RUN, FRAME_HOLD_OPEN, argv, true);
        trial_file(&trial, "main", 0644, "the job's\n", 10);
        trial_file(&trial, cases[i].file, 0644, "", 0);
        trial_run(&trial, argv);
        trial_expect(&trial, 0, 0, 0);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), cases[i].said);
        trial_close(&trial);
    }
}

/* Its own time and that of its children. Half of its work is a child's and all of it comes before the release: a count
 * that takes in either half would be no less than a third. */
static void test_cpu_counts_from_the_release(void **state)
{
    const char *const argv[] = {"/bin/sh", "-c", busy_work, NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    prepare(&trial, FRAME_HOLD_OPEN, argv, true);
    uint64_t before_ns = trial_cpu_ns(trial_program(&trial));
    run_job(&trial, argv);
    trial_expect(&trial, 0, 0, 0);
    assert_true(trial.end[FRAME_STEP_RUN].cpu_ns < before_ns / 3);
    trial_close(&trial);
}

/* Compile steps. */

static const char *const compiler[] = {"/bin/sh", "-c",
                                       "echo on >/tmp/compiled; read x; echo $x; cat main; cp main made", NULL};

static void run_two_steps(struct trial *trial, const char *const compile[], const char *const run[])
{
    trial_file(trial, "main", 0644, "the job's\n", 10);
    trial_step(trial, FRAME_STEP_COMPILE, 60000, OUTPUT_MAX, compile);
    trial_step(trial, FRAME_STEP_RUN, 60000, OUTPUT_MAX, run);
    trial_start(trial, "input\n", 6);
    trial_pump(trial, NULL);
}

static const char *compiled(struct trial *trial)
{
    return trial_text_of(trial, FRAME_STEP_COMPILE, FRAME_STDOUT);
}

static void test_a_compile_step_waits(void **state)
{
    const char *const run[] = {"/usr/bin/bash", "-c", "cat made; read x; echo $x $1; ls -A /tmp; echo $PPID", "-",
                               "arg",           NULL};
    (void)state;
    for (int round = 0; round < 3; round++) {
        struct trial trial;
        trial_open(&trial, NULL);
        if (round == 1)
            trial_prepare(&trial, FRAME_STEP_COMPILE, FRAME_HOLD_OPEN, compiler, true);
        else if (round == 2) /* and does not wait yet */
            trial_send_prepare(&trial, FRAME_STEP_COMPILE, FRAME_HOLD_OPEN, compiler);
        run_two_steps(&trial, compiler, run);
        trial_expect(&trial, 0, 0, 0);
        assert_int_equal(trial.end[FRAME_STEP_COMPILE].exit_code, 0);
        assert_string_equal(compiled(&trial), "\nthe job's\n"); /* it has no stdin */
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "the job's\ninput arg\ncompiled\nwork\n1\n");
        trial_close(&trial);
    }
}

static void test_a_compile_step_that_fails(void **state)
{
    const char *const argv[] = {"/bin/sh", "-c", "cat main; exit 3", NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_prepare(&trial, FRAME_STEP_COMPILE, FRAME_HOLD_FILE, argv, true);
    run_two_steps(&trial, argv, ARGV("/bin/true"));
    assert_true(trial.done && !trial.ended[FRAME_STEP_RUN]);
    assert_int_equal(trial.end[FRAME_STEP_COMPILE].exit_code, 3);
    trial_close(&trial);
}

static void test_a_compile_step_in_time(void **state)
{
    const char *const argv[] = {"/bin/sh", "-c", "cat main; while :; do :; done", NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_prepare(&trial, FRAME_STEP_COMPILE, FRAME_HOLD_FILE, argv, true);
    usleep(400000); /* longer than it may compile: the time that it waits is what is tested */
    trial_file(&trial, "main", 0644, "", 0);
    trial_step(&trial, FRAME_STEP_COMPILE, 300, OUTPUT_MAX, argv);
    trial_step(&trial, FRAME_STEP_RUN, 60000, OUTPUT_MAX, ARGV("/bin/true"));
    trial_start(&trial, NULL, 0);
    trial_pump(&trial, NULL);
    assert_int_equal(trial.end[FRAME_STEP_COMPILE].flags, FRAME_TIMED_OUT);
    assert_in_range(trial.end[FRAME_STEP_COMPILE].wall_ns, 300000000, 30000000000);
    trial_close(&trial);
}

/* Other steps than the prewarmed one get a process of their own. */
static void test_steps_that_do_not_fit(void **state)
{
    const char *const other[] = {"/usr/bin/bash", "-c", ALONE, NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL); /* another compiler */
    trial_prepare(&trial, FRAME_STEP_COMPILE, FRAME_HOLD_OPEN, compiler, true);
    run_two_steps(&trial, other, ARGV("/bin/true"));
    assert_string_equal(compiled(&trial), "1\nwork\nthe job's\n");
    trial_expect(&trial, 0, 0, 0);
    trial_close(&trial);

    trial_open(&trial, NULL); /* none */
    trial_prepare(&trial, FRAME_STEP_COMPILE, FRAME_HOLD_OPEN, other, true);
    expect_fresh_job(&trial);
    trial_close(&trial);

    trial_open(&trial, NULL); /* one where the run step waits, though it has the same argv */
    trial_prepare(&trial, FRAME_STEP_RUN, FRAME_HOLD_FILE, compiler, true);
    run_two_steps(&trial, other, compiler);
    assert_string_equal(compiled(&trial), "1\nwork\nthe job's\n");
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "input\nthe job's\n");
    trial_close(&trial);
}

int main(int argc, char **argv)
{
    int played = trial_main(argc, argv, roles, sizeof roles / sizeof *roles);
    if (played >= 0)
        return played;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whichever_thread_looks),        cmocka_unit_test(test_too_many_threads),
        cmocka_unit_test(test_a_job_at_any_moment),           cmocka_unit_test(test_what_it_left),
        cmocka_unit_test(test_a_hidden_file_that_was_opened), cmocka_unit_test(test_a_file_that_was_asked_for),
        cmocka_unit_test(test_cpu_counts_from_the_release),   cmocka_unit_test(test_a_compile_step_waits),
        cmocka_unit_test(test_a_compile_step_that_fails),     cmocka_unit_test(test_a_compile_step_in_time),
        cmocka_unit_test(test_steps_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
