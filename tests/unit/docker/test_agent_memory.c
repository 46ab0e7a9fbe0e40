/* What is said about memory: from the cgroup's files, both versions of them, which the program changes
 * here as the kernel would, or from the processes where they are missing. */
#include "agent_trial.h"

static const struct trial_cgroup version_1 = {
    "memory",
    {"memory.oom_control", "memory.usage_in_bytes", "memory.max_usage_in_bytes"},
    {"oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "1000000\n", "90000000\n"},
};

static const struct trial_cgroup version_2 = {
    ".",
    {"memory.events", "memory.current", "memory.peak"},
    {"low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 0\n", "1000000\n", "90000000\n"},
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

static void test_peak_of_the_cgroup(void **state)
{
    struct trial trial;
    (void)state;
    run(&trial, &version_1, V1 "echo 95000000 > memory.max_usage_in_bytes");
    assert_int_equal(trial.end[FRAME_STEP_RUN].peak_bytes, 94000000);
    trial_close(&trial);
    run(&trial, &version_2, V2 "echo 95000000 > memory.peak");
    assert_int_equal(trial.end[FRAME_STEP_RUN].peak_bytes, 94000000);
    trial_close(&trial);
}

/* A step below the container's own high-water mark, or a kernel that does not tell it. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_for_memory),           cmocka_unit_test(test_not_killed_for_memory),
        cmocka_unit_test(test_each_step_counts_for_itself), cmocka_unit_test(test_peak_of_the_cgroup),
        cmocka_unit_test(test_peak_of_the_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
