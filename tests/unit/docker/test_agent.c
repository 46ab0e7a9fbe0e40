/* The agent's job from READY to DONE: programs, variables, arguments, files, steps. */
#include "agent_trial.c"

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
    assert_true(end->cpu_ns > 0);
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

int main(int argc, char **argv)
{
    static const struct trial_role roles[] = {{NULL, NULL}};
    trial_main(argc, argv, roles, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
