/* The report that a step leaves in a file: what the agent sends of it on FRAME_RESULT, and what it does not send. */
#include "agent_trial.h"

#include "docker/agent/report.h"

#include <stdlib.h>
#include <string.h>

#define REPORT_MAX 200000u

/* Runs a script whose report may have REPORT_MAX bytes, and asserts that it ends with exit code 0. */
static void report_run(struct trial *trial, const char *script)
{
    trial_open(trial, NULL);
    trial->report_max = REPORT_MAX;
    trial_sh(trial, script);
    trial_expect(trial, 0, 0, 0);
}

static void expect_report(const char *script, const char *report)
{
    struct trial trial;
    report_run(&trial, script);
    assert_string_equal(trial_text(&trial, FRAME_RESULT), report);
    trial_close(&trial);
}

static void test_report(void **state)
{
    (void)state;
    expect_report("echo out; printf abc > " REPORT_PATH, "abc");
    expect_report("echo abc > " REPORT_PATH "; exec 1>&- 2>&-; exit 0", "abc\n");
    expect_report("true", "");
    expect_report(": > " REPORT_PATH, "");
}

/* What the last process writes before it is killed is in the report. */
static void test_report_is_read_last(void **state)
{
    (void)state;
    expect_report("printf a > " REPORT_PATH "; (while printf b >> " REPORT_PATH "; do :; done) >/dev/null 2>&1 & "
                  "sleep 0.05; kill $!; wait; printf c > " REPORT_PATH,
                  "c");
}

/* More frames than fit into the outlet at once. */
static void test_report_of_the_most_bytes(void **state)
{
    (void)state;
    struct trial trial;
    report_run(&trial, "head -c 200000 /dev/zero | tr '\\0' x > " REPORT_PATH);
    const struct trial_bytes *report = &trial.output[FRAME_STEP_RUN][FRAME_RESULT];
    assert_int_equal(report->len, REPORT_MAX);
    for (size_t i = 0; i < report->len; i++)
        assert_int_equal(report->data[i], 'x');
    trial_close(&trial);
}

static void test_not_a_report(void **state)
{
    (void)state;
    expect_report("head -c 200001 /dev/zero > " REPORT_PATH, "");
    expect_report("mkdir " REPORT_PATH, "");
    expect_report("mkfifo " REPORT_PATH, "");
    expect_report("echo x > /tmp/other; ln -s /tmp/other " REPORT_PATH, "");
    expect_report("ln -s /proc/1/environ " REPORT_PATH, "");
    expect_report("echo x > " REPORT_PATH "; chmod 0 " REPORT_PATH, "");
}

static void test_not_asked_for(void **state)
{
    struct trial trial;
    (void)state;
    trial_open(&trial, NULL);
    trial_sh(&trial, "echo x > " REPORT_PATH);
    trial_expect(&trial, 0, 0, 0);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_RESULT].len, 0);
    trial_close(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_report_is_read_last),
        cmocka_unit_test(test_report_of_the_most_bytes),
        cmocka_unit_test(test_not_a_report),
        cmocka_unit_test(test_not_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
