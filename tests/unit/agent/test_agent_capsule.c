/* Capsules: a keeper makes one after the other, an agent in each runs one job, and only the keeper can say READY. */
#include "agent_trial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct trial_options capsules = {.capsules = true};

static void expect_reset(struct trial *trial)
{
    trial_reset(trial);
    if (trial->failed)
        fail_msg("FAILED %u at %s, errno %u", trial->failure, frame_stage_name(trial->stage), trial->error);
    assert_true(trial->ready);
}

/* The container's process 1 has ended, without a word or after FAILED. */
static void expect_end(struct trial *trial)
{
    trial_receive_all(trial);
    assert_true(trial->eof);
    trial_close(trial);
}

static void test_many_jobs(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    for (int i = 0; i < 100; i++) {
        char text[32];
        snprintf(text, sizeof text, "%d", i);
        trial_env(&trial, i % 2 ? "ODD=yes" : "EVEN=yes");
        trial_file(&trial, "number", 0600, text, strlen(text));
        trial_sh(&trial, "cat number; echo \" $ODD$EVEN\"; ls; touch left /dev/shm/left; sleep 1000 & exit 3");
        trial_expect(&trial, 3, 0, 0);
        snprintf(text, sizeof text, "%d yes\nnumber\n", i);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), text);
        expect_reset(&trial);
    }
    trial_close(&trial);
}

/* Neither what a job did not read of its input nor what was dropped of its output comes to the next one. */
static void test_streams(void **state)
{
    static uint8_t input[400000];
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    memset(input, 'i', sizeof input);
    for (int i = 0; i < 3; i++) {
        trial_step(&trial, FRAME_STEP_RUN, i == 1 ? 1000 : 60000, 1000,
                   (const char *const[]){"sh", "-c", i == 1 ? "yes" : "head -c 5000 /dev/zero; exit 4", NULL});
        trial_start(&trial, input, sizeof input);
        trial_pump(&trial, NULL);
        trial_expect(&trial, i == 1 ? 124 : 4, i == 1 ? SIGKILL : 0,
                     FRAME_STDOUT_TRUNCATED | (i == 1 ? FRAME_TIMED_OUT : 0));
        expect_reset(&trial);
        trial_sh(&trial, "cat; echo end");
        trial_expect(&trial, 0, 0, 0);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "end\n");
        expect_reset(&trial);
    }
    trial_close(&trial);
}

static void test_compiled(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    for (int i = 0; i < 4; i++) {
        trial_step(&trial, FRAME_STEP_COMPILE, 60000, 1000,
                   (const char *const[]){"sh", "-c", i % 2 ? "exit 9" : "echo compiled > out", NULL});
        trial_sh(&trial, "cat out");
        assert_true(trial.done);
        assert_int_equal(trial.end[FRAME_STEP_COMPILE].exit_code, i % 2 ? 9 : 0);
        assert_int_equal(trial.ended[FRAME_STEP_RUN], i % 2 == 0);
        expect_reset(&trial);
    }
    trial_sh(&trial, "cat out");
    trial_expect(&trial, 1, 0, 0);
    trial_close(&trial);
}

/* Each capsule has a number of its own. */
static void test_numbers(void **state)
{
    uint64_t numbers[20];
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    for (size_t i = 0; i < 20; i++) {
        numbers[i] = trial.words[0].number;
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(numbers[i], numbers[j]);
        assert_int_equal(trial.words[1].held, 1048576 - 4096); /* of the made-up cgroup: usage without cache */
        expect_reset(&trial);
    }
    trial_close(&trial);
}

/* What an earlier agent left unread cannot open a capsule: another number, another frame, a number cut short. */
static void test_wrong_opens(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++)
        for (int plain = 0; plain < 2; plain++) {
            struct trial trial = {0};
            trial_open(&trial, &(struct trial_options){.capsules = plain == 0, .closed = true});
            if (kind < 2)
                trial_send_open(&trial, trial.words[0].number + (kind == 0 ? 1 : UINT64_C(1) << 63), 1 << 20);
            else if (kind == 2)
                trial_env(&trial, "PATH=/tmp; and what else may make a frame of some length");
            else
                trial_frame(&trial, FRAME_RESET, 0, "sixteen bytes or more than that", 24);
            trial_send_all(&trial);
            expect_end(&trial);
        }
}

static void test_tmp_size(void **state)
{
    static const uint64_t sizes[] = {1 << 20, 5 << 20};
    (void)state;
    struct trial trial;
    trial_open(&trial, &(struct trial_options){.capsules = true, .closed = true});
    for (size_t i = 0; i < 2; i++) {
        char text[64];
        trial_send_open(&trial, trial.words[0].number, sizes[i]);
        trial_sh(&trial, "stat -f -c '%b %S' /tmp; stat -f -c %c /tmp; ulimit -f; ulimit -Hf; pwd;"
                         "head -c 9000000 /dev/zero > large 2>/dev/null; stat -c %s large");
        trial_expect(&trial, 0, 0, 0);
        snprintf(text, sizeof text, "%llu 4096\n", (unsigned long long)sizes[i] / 4096);
        assert_memory_equal(trial_text(&trial, FRAME_STDOUT), text, strlen(text));
        snprintf(text, sizeof text, "\n16384\n%llu\n%llu\n/tmp/work\n", (unsigned long long)sizes[i] / 512,
                 (unsigned long long)sizes[i] / 512);
        if (!strstr(trial_text(&trial, FRAME_STDOUT), text))
            assert_string_equal(trial_text(&trial, FRAME_STDOUT), text);
        expect_reset(&trial);
    }
    trial_close(&trial);
}

/* Before a job, and while an interpreter is held or being started; a capsule is also reset unused. */
static void test_reset_before_a_job(void **state)
{
    static const char *const argv[] = {"cat", "main", NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    expect_reset(&trial);
    for (int i = 0; i < 3; i++) {
        trial_prepare(&trial, FRAME_STEP_RUN, FRAME_HOLD_FILE, argv, true);
        expect_reset(&trial);
        trial_send_prepare(&trial, FRAME_STEP_RUN, FRAME_HOLD_FILE, argv);
        expect_reset(&trial);
    }
    trial_env(&trial, "A=b");
    expect_reset(&trial);
    trial_sh(&trial, "echo \"$A.\"");
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), ".\n");
    trial_close(&trial);
}

static void test_reset_at_a_wrong_time(void **state)
{
    (void)state;
    for (int input_over = 0; input_over < 2; input_over++) {
        struct trial trial;
        trial_open(&trial, &capsules);
        trial_step(&trial, FRAME_STEP_RUN, 60000, 1000, (const char *const[]){"sleep", "1000", NULL});
        trial_frame(&trial, FRAME_START, 0, NULL, 0);
        if (input_over)
            trial_frame(&trial, FRAME_STDIN_END, 0, NULL, 0);
        trial_reset(&trial);
        assert_int_equal(trial.failure, FRAME_FAIL_FRAME);
        expect_end(&trial);
    }
}

static void test_unsound_resets(void **state)
{
    static const struct {
        uint8_t type, step;
        size_t len;
    } frames[] = {
        {FRAME_RESET, 0, 1},   {FRAME_RESET, FRAME_STEP_RUN, 0}, {FRAME_START, 0, 0}, {FRAME_STDIN_END, 0, 0},
        {FRAME_PREPARE, 0, 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        struct trial trial;
        trial_open(&trial, &capsules);
        trial_sh(&trial, "exit 0");
        trial.done = false;
        trial_frame(&trial, frames[i].type, frames[i].step, "A=b", frames[i].len);
        trial_pump(&trial, NULL);
        assert_true(trial.failed);
        assert_int_equal(trial.failure, FRAME_FAIL_FRAME);
        expect_end(&trial);
    }
}

/* A container without a keeper has one job. */
static void test_no_reset_without_a_keeper(void **state)
{
    (void)state;
    for (int after = 0; after < 2; after++) {
        struct trial trial;
        trial_open(&trial, NULL);
        if (after)
            trial_sh(&trial, "exit 0");
        trial_reset(&trial);
        assert_true(trial.failed);
        assert_int_equal(trial.failure, FRAME_FAIL_FRAME);
        expect_end(&trial);
    }
}

/* Each step of a capsule fails once: the keeper says which, and ends. */
static void test_each_stage_fails(void **state)
{
    (void)state;
    for (uint32_t stage = FRAME_STAGE_USERS; stage < FRAME_STAGES; stage++) {
        char variable[64];
        struct trial trial;
        snprintf(variable, sizeof variable, "CAPSULE_FAULT=%s", frame_stage_name(stage));
        trial_open(&trial, &(struct trial_options){.capsules = true, .agent = FAULTY_AGENT_PATH, .variable = variable});
        if (stage < FRAME_STAGE_TMP)
            assert_false(trial.ready);
        else
            trial_sh(&trial, "echo it runs");
        assert_true(trial.failed && !trial.done);
        assert_int_equal(trial.failure, FRAME_FAIL_CAPSULE);
        assert_int_equal(trial.stage, stage);
        assert_int_equal(trial.error, EIO);
        assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_STDOUT].len, 0);
        expect_end(&trial);
    }
}

/* A cgroup that is not the container's own, or none: the keeper could not tell whether memory is free again. */
static void test_no_cgroup(void **state)
{
    static const struct trial_cgroup none = {.folder = "memory"};
    static const struct trial_cgroup unlimited = {
        .folder = "memory",
        .names = {"memory.limit_in_bytes", "memory.stat"},
        .texts = {"9223372036854771712\n", "cache 4096\nrss 8192\nshmem 0\n"},
    };
    const struct trial_cgroup *const cgroups[] = {&none, &unlimited};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct trial trial;
        trial_open(&trial, &(struct trial_options){.capsules = true, .cgroup = cgroups[i]});
        assert_true(trial.failed);
        assert_int_equal(trial.failure, FRAME_FAIL_CAPSULE);
        assert_int_equal(trial.stage, FRAME_STAGE_SETTLE);
        assert_int_equal(trial.error, ENOTSUP);
        expect_end(&trial);
    }
}

/* Writes a file of the made-up cgroup, as the kernel would change it. The keeper has hidden it, and has it open. */
static void set_stat(const struct trial *trial, const char *text)
{
    char path[64], name[128] = "";
    int number = 3;
    for (; number < 64 && !strstr(name, "/memory.stat"); number++) {
        snprintf(path, sizeof path, "/proc/%d/fd/%d", trial->pid, number);
        ssize_t n = readlink(path, name, sizeof name - 1);
        name[n < 0 ? 0 : n] = '\0';
    }
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void set_memory(const struct trial *trial, unsigned long long shmem)
{
    char text[64];
    snprintf(text, sizeof text, "cache 4096\nrss 8192\nshmem %llu\n", shmem);
    set_stat(trial, text);
}

static bool never(const struct trial *trial)
{
    (void)trial;
    return false;
}

/* Memory that stays charged after a capsule's end ends the cell; a little may be late. */
static void test_memory_that_stays(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    set_memory(&trial, 1 << 20);
    expect_reset(&trial);
    set_memory(&trial, (1 << 20) + 1);
    trial_reset(&trial);
    assert_true(trial.failed);
    assert_int_equal(trial.stage, FRAME_STAGE_SETTLE);
    assert_int_equal(trial.error, ETIME);
    trial_pump(&trial, never);
    expect_end(&trial);
}

/* If the figures cannot be read any more, the keeper cannot tell either. */
static void test_figures_that_are_lost(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    set_stat(&trial, "nothing\n");
    trial_reset(&trial);
    assert_true(trial.failed);
    assert_int_equal(trial.stage, FRAME_STAGE_SETTLE);
    assert_int_equal(trial.error, ENOTSUP);
    expect_end(&trial);
}

/* Process 1 of the capsule, by this test's count of processes. */
static pid_t inner(const struct trial *trial)
{
    pid_t pid = trial_program(trial);
    assert_true(pid > 0);
    return pid;
}

/* The agent of a capsule is killed, as by the kernel for lack of memory: the keeper ends, and nothing is left. */
static void test_killed(void **state)
{
    (void)state;
    for (int running = 0; running < 2; running++)
        for (int keeper = 0; keeper < 2; keeper++) {
            struct trial trial;
            trial_open(&trial, &capsules);
            if (running) {
                trial_step(&trial, FRAME_STEP_RUN, 60000, 1000, (const char *const[]){"sleep", "1000", NULL});
                trial_start(&trial, NULL, 0);
            }
            trial_send_all(&trial);
            kill(keeper ? trial.pid : inner(&trial), SIGKILL);
            trial_receive_all(&trial);
            assert_false(trial.done || trial.failed);
            trial_close(&trial);
        }
}

/* The stream's end ends everything, in each state of the capsule. */
static void test_stream_ends(void **state)
{
    (void)state;
    for (int opened = 0; opened < 2; opened++) {
        struct trial trial;
        trial_open(&trial, &(struct trial_options){.capsules = true, .closed = opened == 0});
        trial_send_all(&trial);
        trial_close(&trial);
    }
}

/* The keeper is not in the capsule's /proc, and the program has no descriptor or privilege of those that made it. */
static void test_inside(void **state)
{
    static const struct {
        const char *script, *expected;
    } cases[] = {
        {"echo /proc/[0-9]*", "/proc/1 /proc/2\n"},
        {"ls /proc/self/fd | wc -l", "4\n"},
        {"sed -n 's/^Cap.*\t//p' /proc/self/status | sort -u", "0000000000000000\n"},
        {"ls /proc/bus /proc/irq; cat /proc/keys /proc/locks /proc/cmdline", "/proc/bus:\n\n/proc/irq:\n"},
        {"cd /sys/fs/cgroup; find . -type f; cat memory/memory.limit_in_bytes",
         "./memory/memory.limit_in_bytes\n650117120\n"},
        {"cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/tcp_max_tw_buckets", "128\n1024\n"},
        {"cat /proc/sys/net/ipv4/tcp_rmem", "4096\t8192\t16384\n"},
        {"for i in /proc/sys/kernel/domainname /sys/fs/cgroup/x /x /dev/x; do (: > $i) 2> /dev/null; echo $?; done",
         "2\n2\n2\n2\n"},
        {"touch /dev/null /dev/zero /proc/cmdline 2>&1 | grep -c Read-only; echo x > /dev/null; echo $?", "3\n0\n"},
        {"umount /proc 2> /dev/null; mount -t tmpfs x /mnt 2> /dev/null; unshare -U true 2> /dev/null; echo $?", "1\n"},
        {"ls /dev/pts; stat -c '%a %u' /dev/shm /dev/mqueue | sed \"s/$(id -u)/self/\"",
         "ptmx\n1777 self\n1777 self\n"},
    };
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trial_sh(&trial, cases[i].script);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), cases[i].expected);
        expect_reset(&trial);
    }
    trial_close(&trial);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_jobs),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_compiled),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_wrong_opens),
        cmocka_unit_test(test_tmp_size),
        cmocka_unit_test(test_reset_before_a_job),
        cmocka_unit_test(test_reset_at_a_wrong_time),
        cmocka_unit_test(test_unsound_resets),
        cmocka_unit_test(test_no_reset_without_a_keeper),
        cmocka_unit_test(test_each_stage_fails),
        cmocka_unit_test(test_no_cgroup),
        cmocka_unit_test(test_memory_that_stays),
        cmocka_unit_test(test_figures_that_are_lost),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_stream_ends),
        cmocka_unit_test(test_inside),
    };
    int role = trial_main(argc, argv, NULL, 0);
    return role >= 0 ? role : cmocka_run_group_tests(tests, NULL, NULL);
}
