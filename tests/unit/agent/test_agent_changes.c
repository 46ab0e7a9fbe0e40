/* Whether DONE says that the working folder has changed. */
#include "agent_trial.h"

#include <stdio.h>

#define SETTLE "; sleep 0.05" /* longer than CHANGES_YOUNG_NS */

static bool changed_by(struct trial *trial, const char *script)
{
    trial_again(trial);
    trial_sh(trial, script);
    trial_expect(trial, 0, 0, 0);
    return trial->last.changed;
}

static void expect_changed(struct trial *trial, const char *script, bool changed)
{
    assert_int_equal(changed_by(trial, script), changed);
}

static void open_settled(struct trial *trial, const struct trial_options *options, const char *script)
{
    char line[512];
    trial_open(trial, options);
    trial->changes = true;
    snprintf(line, sizeof line, "%s" SETTLE, script);
    expect_changed(trial, line, true); /* the first time */
    expect_changed(trial, "true", false);
}

static void test_each_change(void **state)
{
    static const char *const scripts[] = {
        "touch new",        "mkdir folder/new",
        "echo x >> file",   "chmod 600 file",
        "touch -d @0 file", "mv file other",
        "rm folder/file",   "ln -sf b link",
        "ln file ../other", "mv ../replaces file",
        "chmod 711 .",      "> file",
        "rm -r ../work",    "mv ../work ../moved; mkdir ../work",
    };
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct trial trial;
        char line[128];
        open_settled(&trial, NULL,
                     "mkdir folder; echo 1 > file; echo 2 > folder/file; ln -s a link; echo 3 > ../replaces");
        snprintf(line, sizeof line, "%s" SETTLE, scripts[i]);
        expect_changed(&trial, line, true);
        trial_close(&trial);
    }
}

static void test_no_change(void **state)
{
    static const struct trial_options capsules = {.capsules = true};
    static const char *const scripts[] = {"cat file folder/file", "ls -lR", "echo x > ../elsewhere", "cd folder"};
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct trial trial;
        open_settled(&trial, i == 0 ? &capsules : NULL, "mkdir folder; echo 1 > file; echo 2 > folder/file");
        expect_changed(&trial, scripts[i], false);
        trial_close(&trial);
    }
}

/* The same name, size and times up to a tick: what is so young counts as changed, and once more at the next look. */
static void test_young_files(void **state)
{
    struct trial trial;
    (void)state;
    open_settled(&trial, NULL, "echo 1 > file");
    bool young = false;
    for (int i = 0; i < 100 && !young; i++) { /* on a busy machine the look may come too late */
        expect_changed(&trial, "sleep 0.05; echo 2 > file", true);
        young = changed_by(&trial, "sleep 0.05");
    }
    assert_true(young);
    expect_changed(&trial, "true", false);
    trial_close(&trial);
}

/* Too many entries, too deep, or closed to the agent: it cannot tell. */
static void test_too_much_to_look_at(void **state)
{
    static const char *const scripts[] = {
        "i=0; while [ $i -lt 2000 ]; do > $i; i=$((i+1)); done",
        "i=0; while [ $i -lt 17 ]; do mkdir d; cd d; i=$((i+1)); done",
        "mkdir closed; chmod 0 closed",
    };
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct trial trial;
        char line[256];
        trial_open(&trial, NULL);
        trial.changes = true;
        snprintf(line, sizeof line, "%s" SETTLE, scripts[i]);
        expect_changed(&trial, line, true);
        expect_changed(&trial, "true", true);
        expect_changed(&trial, "rm -r /tmp/work/*" SETTLE, true);
        expect_changed(&trial, "true", false);
        trial_close(&trial);
    }
}

/* A job that does not ask hears that it has; the next one that asks hears of all since the last that did. */
static void test_who_asks(void **state)
{
    struct trial trial;
    (void)state;
    open_settled(&trial, NULL, "echo 1 > file");
    trial.changes = false;
    expect_changed(&trial, "true", true);
    trial.changes = true;
    expect_changed(&trial, "true", false);
    trial.changes = false;
    expect_changed(&trial, "echo 2 >> file" SETTLE, true);
    trial.changes = true;
    expect_changed(&trial, "true", true);
    trial_again(&trial);
    trial_file(&trial, "brought", 0644, "x", 1);
    trial_sh(&trial, "sleep 0.05");
    assert_true(trial.last.changed);
    trial_close(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_change), cmocka_unit_test(test_no_change),
        cmocka_unit_test(test_young_files), cmocka_unit_test(test_too_much_to_look_at),
        cmocka_unit_test(test_who_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
