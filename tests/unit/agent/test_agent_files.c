/* The job's files: what is written, and what may not be. */
#include "agent_trial.h"

#include <errno.h>
#include <stdio.h>

static void test_files(void **state)
{
    static uint8_t big[300000];
    (void)state;
    struct trial trial;
    memset(big, 'b', sizeof big);
    trial_open(&trial, NULL);
    trial_file(&trial, "empty", 0644, "", 0);
    trial_file(&trial, "big", 0600, big, sizeof big);
    trial_file(&trial, "a/deep/er/script.sh", 0755, "echo hi\n", 8);
    trial_file(&trial, "a/deep/other", 0444, "x", 1);
    trial_file(&trial, ".hidden..name", 0, "y", 1);
    trial_file(&trial, "...", 0666, "", 0);
    trial_sh(&trial, "find . -type f -printf '%P %m %s\\n' | sort; find . -type d -printf '%P %m\\n' | sort;"
                     "find . ! -user $(id -u); tr -d b < big; sh a/deep/er/script.sh");
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT),
                        "... 666 0\n.hidden..name 0 1\na/deep/er/script.sh 755 8\na/deep/other 444 1\n"
                        "big 600 300000\nempty 644 0\n 700\na 755\na/deep 755\na/deep/er 755\nhi\n");
    trial_close(&trial);
}

static void test_many_files(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    for (int i = 0; i < 256; i++) {
        char name[32];
        snprintf(name, sizeof name, "d%d/f%d", i % 7, i);
        trial_file(&trial, name, 0644, name, strlen(name));
    }
    trial_sh(&trial, "find . -type f | wc -l; cat d6/f125");
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "256\nd6/f125");
    trial_close(&trial);
}

static void test_longest_names(void **state)
{
    char path[4097];
    (void)state;
    struct trial trial;
    memset(path, 'n', sizeof path);
    for (size_t i = 255; i < 4096; i += 256)
        path[i] = '/';
    path[4095] = '\0';
    trial_open(&trial, NULL);
    trial_file(&trial, path, 0644, "x", 1);
    trial_sh(&trial, "find . -type f -size 1 | wc -c");
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "4098\n");
    trial_close(&trial);
}

static void expect_failure(struct trial *trial, uint32_t failure, uint32_t error)
{
    trial_sh(trial, "echo never");
    assert_true(trial->failed);
    assert_int_equal(trial->failure, failure);
    assert_int_equal(trial->error, error);
    assert_false(trial->ended[FRAME_STEP_RUN]);
    trial_close(trial);
}

/* Names that are sound and meet each other; the first failure is the one that is said. */
static void test_collisions(void **state)
{
    static const struct {
        const char *first, *second;
        uint32_t error;
    } cases[] = {
        {"a", "a", EEXIST},          {"a", "a/b", ENOTDIR},    {"a/b", "a", EEXIST},
        {"a/b", "a/b/c/d", ENOTDIR}, {"a/b/c", "a/b", EEXIST},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        trial_open(&trial, NULL);
        trial_file(&trial, cases[i].first, 0644, "1", 1);
        trial_file(&trial, cases[i].second, 0644, "2", 1);
        trial_file(&trial, "third", 0644, "3", 1);
        expect_failure(&trial, FRAME_FAIL_FILE, cases[i].error);
    }
}

static void test_no_space(void **state)
{
    static const uint8_t big[3000000];
    const struct trial_options small = {.tmpfs = "size=1m"};
    (void)state;
    struct trial trial;
    trial_open(&trial, &small);
    trial_file(&trial, "big", 0644, big, sizeof big);
    trial_file(&trial, "next", 0644, big, sizeof big);
    expect_failure(&trial, FRAME_FAIL_SPACE, ENOSPC);
}

static void test_no_inodes(void **state)
{
    const struct trial_options small = {.tmpfs = "size=1m,nr_inodes=16"};
    (void)state;
    for (int folders = 0; folders < 2; folders++) {
        struct trial trial;
        trial_open(&trial, &small);
        for (int i = 0; i < 20; i++) {
            char name[32];
            snprintf(name, sizeof name, folders ? "%d/x" : "%d", i);
            trial_file(&trial, name, 0644, "", 0);
        }
        expect_failure(&trial, FRAME_FAIL_SPACE, ENOSPC);
    }
}

/* The disk is the program's to fill; the agent needs none of it. */
static void test_program_fills_the_disk(void **state)
{
    const struct trial_options small = {.tmpfs = "size=1m"};
    (void)state;
    struct trial trial;
    trial_open(&trial, &small);
    trial_sh(&trial, "cat /dev/zero > full; echo $?");
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "1\n");
    trial_close(&trial);
}

/* Names that the server must never send: the cell is over at once. */
static void test_unsound_names(void **state)
{
    static const struct {
        const char *path;
        size_t len;
    } cases[] = {
        {"", 0},  {"/etc/passwd", 11}, {"..", 2},     {"../x", 4}, {"a/../b", 6}, {"a/..", 4},
        {".", 1}, {"./a", 3},          {"a/./b", 5},  {"a/.", 3},  {"a//b", 4},   {"a/", 2},
        {"/", 1}, {"a\0b", 3},         {"a/\0/b", 5}, {"a\0", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t payload[64];
        struct trial trial;
        trial_open(&trial, NULL);
        frame_file_put(payload, 0644);
        memcpy(payload + FRAME_FILE_HEAD, cases[i].path, cases[i].len);
        trial_frame(&trial, FRAME_FILE, 0, payload, FRAME_FILE_HEAD + cases[i].len);
        trial_pump(&trial, NULL);
        assert_true(trial.failed);
        assert_int_equal(trial.failure, FRAME_FAIL_FRAME);
        trial_close(&trial);
    }
}

static void test_names_too_long(void **state)
{
    char path[4098];
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        struct trial trial;
        memset(path, 'n', sizeof path);
        for (size_t i = 1; whole && i < 4097; i += 2)
            path[i] = '/';
        path[whole ? 4097 : 256] = '\0';
        trial_open(&trial, NULL);
        trial_file(&trial, path, 0644, "", 0);
        trial_pump(&trial, NULL);
        assert_true(trial.failed);
        assert_int_equal(trial.failure, FRAME_FAIL_FRAME);
        trial_close(&trial);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_many_files),
        cmocka_unit_test(test_longest_names),
        cmocka_unit_test(test_collisions),
        cmocka_unit_test(test_no_space),
        cmocka_unit_test(test_no_inodes),
        cmocka_unit_test(test_program_fills_the_disk),
        cmocka_unit_test(test_unsound_names),
        cmocka_unit_test(test_names_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
