/* Job after job in one capsule, or in a container without capsules: what stays and what does not. */
#include "agent_trial.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static const struct trial_options capsules = {.capsules = true};
static const struct trial_options *const kinds[] = {NULL, &capsules};

static void expect_text(struct trial *trial, const char *script, const char *text)
{
    trial_again(trial);
    trial_sh(trial, script);
    trial_expect(trial, 0, 0, 0);
    assert_string_equal(trial_text(trial, FRAME_STDOUT), text);
}

/* Files stay, in the working folder and in /tmp. Processes, variables and limits do not. */
static void test_what_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct trial trial;
        trial_open(&trial, kinds[i]);
        trial_env(&trial, "ONE=1");
        trial_file(&trial, "given", 0644, "given", 5);
        trial_sh(&trial, "echo mine > mine; echo t > ../t; sleep 1000 & ulimit -t 1; exit 3");
        trial_expect(&trial, 3, 0, 0);
        expect_text(&trial, "cat given mine ../t; echo \"$ONE$TWO\"; set -- /proc/[0-9]*; echo $#",
                    "givenmine\nt\n\n2\n");
        trial_env(&trial, "TWO=2");
        expect_text(&trial, "pwd; echo \"$ONE$TWO\"; ulimit -t", "/tmp/work\n2\nunlimited\n");
        trial_close(&trial);
    }
}

/* A file of a later job takes the place of a file or of a link, but not of a folder. */
static void test_files_are_replaced(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_file(&trial, "code", 0644, "first", 5);
    trial_sh(&trial, "echo kept > target; ln -s target link; chmod 0 code; mkdir full; touch full/x");
    trial_file(&trial, "code", 0600, "second", 6);
    trial_file(&trial, "link", 0644, "own", 3);
    expect_text(&trial, "cat code link target; stat -c %a code; test -L link || echo file",
                "secondownkept\n600\nfile\n");
    trial_again(&trial);
    trial_file(&trial, "full", 0644, "", 0);
    trial_sh(&trial, "echo never");
    assert_true(trial.failed);
    assert_int_equal(trial.failure, FRAME_FAIL_FILE);
    assert_int_equal(trial.error, EEXIST);
    trial_close(&trial);
}

/* Neither a timeout nor input that nobody read stands in the way. */
static void test_after_any_end(void **state)
{
    static uint8_t input[400000];
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    trial_step(&trial, FRAME_STEP_RUN, 1000, 1000, (const char *const[]){"sh", "-c", "echo > late; sleep 1000", NULL});
    trial_start(&trial, input, sizeof input);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 124, SIGKILL, FRAME_TIMED_OUT);
    expect_text(&trial, "ls; cat", "late\n");
    trial_again(&trial);
    trial_step(&trial, FRAME_STEP_COMPILE, 60000, 1000, (const char *const[]){"sh", "-c", "exit 9", NULL});
    trial_sh(&trial, "echo never");
    assert_true(trial.done);
    expect_text(&trial, "echo after", "after\n");
    for (int i = 0; i < 200; i++)
        expect_text(&trial, "echo x >> many; wc -l < many > count; :", "");
    expect_text(&trial, "cat count", "200\n");
    trial_reset(&trial);
    assert_true(trial.ready);
    trial_sh(&trial, "ls");
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "");
    trial_close(&trial);
}

/* After a prewarmed job, too; but nothing can be prewarmed then. */
static void test_prepared(void **state)
{
    static const char *const sh[] = {"sh", "-c", "cat x", NULL};
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_prepare(&trial, FRAME_STEP_RUN, FRAME_HOLD_FILE, sh, true);
    trial_file(&trial, "x", 0644, "prewarmed", 9);
    trial_run(&trial, sh);
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "prewarmed");
    expect_text(&trial, "cat x", "prewarmed");
    trial_again(&trial);
    trial_send_prepare(&trial, FRAME_STEP_RUN, FRAME_HOLD_FILE, sh);
    trial_pump(&trial, NULL);
    assert_true(trial.failed);
    assert_int_equal(trial.failure, FRAME_FAIL_FRAME);
    trial_close(&trial);
}

/* Before STDIN_END no other job may come. */
static void test_input_is_open(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_RUN, 60000, 1000, (const char *const[]){"true", NULL});
    trial_frame(&trial, FRAME_START, 0, NULL, 0);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    trial_again(&trial);
    trial_step(&trial, FRAME_STEP_RUN, 60000, 1000, (const char *const[]){"true", NULL});
    trial_pump(&trial, NULL);
    assert_true(trial.failed);
    assert_int_equal(trial.failure, FRAME_FAIL_FRAME);
    trial_close(&trial);
}

/* A program that has put something else in the place of the working folder ends the agent, not more. */
static void test_folder(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_sh(&trial, "cd ..; mv work other");
    trial_expect(&trial, 0, 0, 0);
    expect_text(&trial, "pwd -P; ls -A", "/tmp/work\n");
    expect_text(&trial, "cd ..; rmdir work; ln -s /etc work", "");
    trial_again(&trial);
    trial_step(&trial, FRAME_STEP_RUN, 60000, 1000, (const char *const[]){"true", NULL});
    trial_send_all(&trial);
    trial_receive_all(&trial);
    assert_false(trial.done);
    trial_close(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_stays),    cmocka_unit_test(test_files_are_replaced),
        cmocka_unit_test(test_after_any_end), cmocka_unit_test(test_prepared),
        cmocka_unit_test(test_input_is_open), cmocka_unit_test(test_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
