/* What is said about memory: from the cgroup's files, both versions of them, which the program changes
 * here as the kernel would, or from the processes where they are missing. */
#include "agent_trial.h"

#include <stdio.h>

static const struct trial_cgroup version_1 = {
    "memory",
    {"memory.oom_control", "memory.usage_in_bytes", "memory.max_usage_in_bytes", "memory.limit_in_bytes",
     "memory.stat"},
    {"oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "30000000\n", "90000000\n", "200000000\n",
     "cache 25000000\nrss 5000000\nrss_huge 0\nshmem 1000000\n"},
};

static const struct trial_cgroup version_2 = {
    ".",
    {"memory.events", "memory.current", "memory.peak", "memory.max", "memory.stat"},
    {"low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 0\n", "30000000\n", "90000000\n", "200000000\n",
     "anon 5000000\nfile 25000000\nkernel 100000\nshmem 1000000\n"},
};

static const struct trial_cgroup older_version_2 = {
    ".",
    {"memory.events", "memory.current", NULL},
    {"low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\n", "1000000\n", NULL},
};

static void run(struct trial *trial, const struct trial_cgroup *cgroup, const char *script)
{
    trial_open(trial, &(struct trial_options){.cgroup = cgroup});
    trial_sh(trial, script);
}

#define V1 "cd /sys/fs/cgroup/memory; "
#define V2 "cd /sys/fs/cgroup; "

static void test_killed_for_memory(void **state)
{
    struct trial trial;
    (void)state;
    run(&trial, &version_1,
        V1 "printf 'oom_kill_disable 0\\nunder_oom 1\\noom_kill 4\\n' > memory.oom_control; kill -9 $$");
    trial_expect(&trial, 137, 9, FRAME_OUT_OF_MEMORY);
    trial_close(&trial);
    run(&trial, &version_2, V2 "printf 'low 0\\noom_kill 5\\noom_group_kill 0\\n' > memory.events");
    trial_expect(&trial, 0, 0, FRAME_OUT_OF_MEMORY); /* the exit does not matter: one of its processes was */
    trial_close(&trial);
}

static void test_not_killed_for_memory(void **state)
{
    struct trial trial;
    (void)state;
    run(&trial, &version_1,
        V1 "printf 'oom_kill_disable 0\\nunder_oom 1\\noom_kill 3\\n' > memory.oom_control; kill -9 $$");
    trial_expect(&trial, 137, 9, 0);
    trial_close(&trial);
    run(&trial, &version_2, V2 "printf 'max 99\\noom 99\\noom_kill 3\\noom_group_kill 9\\n' > memory.events");
    trial_expect(&trial, 0, 0, 0);
    trial_close(&trial);
}

/* A kill during the compile step is not the run step's. */
static void test_each_step_counts_for_itself(void **state)
{
    struct trial trial;
    (void)state;
    trial_open(&trial, &(struct trial_options){.cgroup = &version_2});
    trial_step(&trial, FRAME_STEP_COMPILE, 10000, 1000,
               (const char *const[]){"sh", "-c", V2 "echo oom_kill 4 > memory.events", NULL});
    trial_sh(&trial, "true");
    trial_expect(&trial, 0, 0, 0);
    assert_int_equal(trial.end[FRAME_STEP_COMPILE].flags, FRAME_OUT_OF_MEMORY);
    trial_close(&trial);
}

/* The step's peak is the high-water mark without what the cgroup still holds at the end: 30 MB. */
static void test_peak_of_the_cgroup(void **state)
{
    struct trial trial;
    (void)state;
    run(&trial, &version_1, V1 "echo 95000000 > memory.max_usage_in_bytes");
    assert_int_equal(trial.end[FRAME_STEP_RUN].peak_bytes, 95000000 - 30000000);
    trial_close(&trial);
    run(&trial, &version_2, V2 "echo 95000000 > memory.peak");
    assert_int_equal(trial.end[FRAME_STEP_RUN].peak_bytes, 95000000 - 30000000);
    trial_close(&trial);
}

/* The agent's own memory counts as nothing: less than 3 MB. */
static void expect_peak(const struct trial *trial, uint64_t bytes)
{
    assert_in_range(trial->end[FRAME_STEP_RUN].peak_bytes, bytes - 3000000, bytes);
}

#define FOR_EVER "; while :; do sleep 0.01; done"

/* Over its limit by more than its due: it is ended, long before its time is up. */
static void test_over_the_limit(void **state)
{
    static const struct {
        const struct trial_cgroup *cgroup;
        const char *script;
    } cases[] = {
        {&version_1, V1 "echo 'cache 0\nrss 72000000\nshmem 0' > memory.stat" FOR_EVER},
        {&version_1, V1 "echo 'cache 0\nrss 20000000\nshmem 52000000' > memory.stat" FOR_EVER},
        {&version_2, V2 "echo 'anon 72000000\nfile 0\nshmem 0' > memory.stat" FOR_EVER},
        {&version_2, V2 "echo 'anon 20000000\nfile 0\nshmem 52000000' > memory.stat" FOR_EVER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        trial_open(&trial, &(struct trial_options){.cgroup = cases[i].cgroup});
        trial.memory_bytes = 64000000;
        trial_sh(&trial, cases[i].script);
        trial_expect(&trial, 137, 9, FRAME_OUT_OF_MEMORY);
        expect_peak(&trial, 72000000);
        trial_close(&trial);
    }
}

/* Within the limit, or by page cache and files in /tmp alone: it ends by itself. It is looked at after 8 ms. */
static void test_within_the_limit(void **state)
{
    static const char *const scripts[] = {
        "echo 'cache 90000000\nrss 60000000\nshmem 0' > memory.stat",
        "head -c 30000000 /dev/zero > /tmp/f; echo 'cache 30000000\nrss 50000000\nshmem 30000000' > memory.stat",
    };
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        char script[256];
        struct trial trial;
        snprintf(script, sizeof script, V1 "%s; sleep 0.1; echo end", scripts[i]);
        trial_open(&trial, &(struct trial_options){.cgroup = &version_1});
        trial.memory_bytes = 64000000;
        trial_sh(&trial, script);
        trial_expect(&trial, 0, 0, 0);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "end\n");
        trial_close(&trial);
    }
}

/* A compiler has a limit of its own, and the program is not started then. */
static void test_the_compiler_is_over_it(void **state)
{
    struct trial trial;
    (void)state;
    trial_open(&trial, &(struct trial_options){.cgroup = &version_2});
    trial.memory_bytes = 64000000;
    trial_step(
        &trial, FRAME_STEP_COMPILE, 60000, 1000,
        (const char *const[]){"sh", "-c", V2 "echo 'anon 72000000\nfile 0\nshmem 0' > memory.stat" FOR_EVER, NULL});
    trial_sh(&trial, "echo ran");
    assert_true(trial.done);
    assert_int_equal(trial.end[FRAME_STEP_COMPILE].flags, FRAME_OUT_OF_MEMORY);
    assert_int_equal(trial.end[FRAME_STEP_COMPILE].exit_code, 137);
    assert_false(trial.ended[FRAME_STEP_RUN]);
    trial_close(&trial);
}

/* A cgroup without a limit is the machine's, not the container's: its memory does not count. */
static void test_another_s_cgroup(void **state)
{
    static const struct trial_cgroup root = {
        "memory",
        {"memory.oom_control", "memory.limit_in_bytes", "memory.stat"},
        {"oom_kill 0\n", "9223372036854771712\n", "cache 0\nrss 900000000\nshmem 0\n"},
    };
    struct trial trial;
    (void)state;
    trial_open(&trial, &(struct trial_options){.cgroup = &root});
    trial.memory_bytes = 64000000;
    trial_sh(&trial, "sleep 0.1");
    trial_expect(&trial, 0, 0, 0);
    trial_close(&trial);
}

/* Its stack may take most of its memory, and at least the usual 8 MiB. */
static void test_its_stack(void **state)
{
    static const struct {
        uint64_t memory;
        const char *stack;
    } cases[] = {{512u << 20, "458752\n"}, {4u << 20, "8192\n"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        trial_open(&trial, NULL);
        trial.memory_bytes = cases[i].memory;
        trial_sh(&trial, "ulimit -s");
        trial_expect(&trial, 0, 0, 0);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), cases[i].stack);
        trial_close(&trial);
    }
}

/* A step below the container's high-water mark, or a kernel without one. */
static void test_peak_of_the_processes(void **state)
{
    static const struct trial_cgroup nothing = {".", {NULL, NULL, NULL}, {NULL, NULL, NULL}};
    static const struct trial_cgroup *const cgroups[4] = {&version_1, &version_2, &older_version_2, &nothing};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct trial trial;
        run(&trial, cgroups[i], "head -c 20000000 /dev/zero | tail -c 20000000 | wc -c");
        trial_expect(&trial, 0, 0, 0);
        assert_in_range(trial.end[FRAME_STEP_RUN].peak_bytes, 20000000, 60000000);
        trial_close(&trial);
    }
}

/* From the cgroup, whether anybody waits for a process or not; the processes' own figure counts where it does not tell.
 */
static void test_cpu_time(void **state)
{
    static const struct trial_cgroup telling = {
        ".", {"memory.max", "cpu.stat", NULL}, {"200000000\n", "usage_usec 9000000\nuser_usec 1\n", NULL}};
    struct trial trial;
    (void)state;
    run(&trial, &telling, V2 "printf 'usage_usec 9400000\nuser_usec 1\n' > cpu.stat");
    trial_expect(&trial, 0, 0, 0);
    assert_in_range(trial.end[FRAME_STEP_RUN].cpu_ns, 350000000, 400000000); /* the agent's own is not the step's */
    trial_close(&trial);
    run(&trial, &version_2, "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done");
    assert_in_range(trial.end[FRAME_STEP_RUN].cpu_ns, 10000000, 10000000000);
    trial_close(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_for_memory),
        cmocka_unit_test(test_not_killed_for_memory),
        cmocka_unit_test(test_each_step_counts_for_itself),
        cmocka_unit_test(test_peak_of_the_cgroup),
        cmocka_unit_test(test_peak_of_the_processes),
        cmocka_unit_test(test_over_the_limit),
        cmocka_unit_test(test_within_the_limit),
        cmocka_unit_test(test_the_compiler_is_over_it),
        cmocka_unit_test(test_another_s_cgroup),
        cmocka_unit_test(test_its_stack),
        cmocka_unit_test(test_cpu_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
