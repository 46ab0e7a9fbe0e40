/* The agent's program as a tool: it collects files that a program has left, and gives a program nothing. */
#include "agent_trial.h"

#include "docker/agent/tool_collect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUDGET "1000000"

/* What a collection brought, as text: a line for each entry, and its content behind it. */
static struct {
    char text[200000];
    size_t len;
    struct entry_end end;
    bool ended;
    unsigned entries;
    uint64_t bytes;
} met;

static void add(const void *bytes, size_t len)
{
    if (len >= sizeof met.text - met.len)
        return; /* a test with much content looks at the figures only */
    memcpy(met.text + met.len, bytes, len);
    met.len += len;
    met.text[met.len] = '\0';
}

static void take(enum entry_event event, const struct entry_piece *piece)
{
    static const char *const how[] = {"none", "", "over", "unreadable"};
    char line[64];
    assert_int_not_equal(event, ENTRY_BROKEN);
    if (event == ENTRY_NEXT) {
        met.entries++;
        add(piece->entry.path, piece->entry.path_len);
        snprintf(line, sizeof line, " %llu%s;", (unsigned long long)piece->entry.size, how[piece->entry.content]);
        add(line, strlen(line));
    } else if (event == ENTRY_DATA) {
        met.bytes += piece->data_len;
        add(piece->data, piece->data_len);
    } else if (event == ENTRY_DATA_END) {
        add("|", 1);
    } else {
        met.ended = true;
        met.end = piece->end;
    }
}

static void read_entries(const struct trial *trial)
{
    static struct entry_reader reader;
    const uint8_t *data = trial->output[FRAME_STEP_RUN][FRAME_STDOUT].data;
    size_t len = trial->output[FRAME_STEP_RUN][FRAME_STDOUT].len;
    struct entry_piece piece;
    enum entry_event event;
    memset(&met, 0, sizeof met);
    memset(&reader, 0, sizeof reader);
    while ((event = entry_read(&reader, &data, &len, &piece)) != ENTRY_MORE)
        take(event, &piece);
}

static void tool(struct trial *trial, const char *const argv[])
{
    trial_again(trial);
    trial_step(trial, FRAME_STEP_RUN, 30000, 64u << 20, argv);
    trial_start(trial, NULL, 0);
    trial_pump(trial, NULL);
    assert_string_equal(trial_text(trial, FRAME_STDERR), "");
}

#define COLLECT(trial, bytes, files, ...) \
    collect((trial), (const char *const[]){TRIAL_TOOL, "files", "collect", (bytes), (files), __VA_ARGS__, NULL})

static void collect(struct trial *trial, const char *const argv[])
{
    tool(trial, argv);
    trial_expect(trial, FILE_DONE, 0, 0);
    read_entries(trial);
    assert_true(met.ended);
    assert_int_equal(met.end.exit, FILE_DONE);
}

static void leave(struct trial *trial, const char *script)
{
    trial_open(trial, NULL);
    trial_sh(trial, script);
    trial_expect(trial, 0, 0, 0);
}

static void test_in_order(void **state)
{
    (void)state;
    struct trial trial;
    leave(&trial, "mkdir -p a/b .h; printf 1 > a.txt; printf 22 > a/b/c.txt; : > a/e.txt; printf x > .h/x.txt;"
                  "printf src > main.sh; printf 4 > 'new\nline'; mkdir .compiled; printf 5 > .compiled/x.txt");
    COLLECT(&trial, BUDGET, "128", "2", "main.sh", ".compiled", "**");
    assert_string_equal(met.text, "a.txt 1;1|a/b/c.txt 2;22|a/e.txt 0;|new\nline 1;4|");
    assert_int_equal(met.end.marks, 1);
    COLLECT(&trial, BUDGET, "128", "1", ".compiled", "nothing", ".*/*", "**/*.txt", "a.txt");
    assert_string_equal(met.text, ".h/x.txt 1;x|a.txt 1;1|a/b/c.txt 2;22|a/e.txt 0;|");
    assert_int_equal(met.end.marks, 14);
    COLLECT(&trial, BUDGET, "128", "0", "a", "a/b");
    assert_string_equal(met.text, "");
    assert_int_equal(met.end.marks, 0);
    trial_close(&trial);
}

/* Only regular files, and no link on the way to one. A pipe is not opened, so nothing hangs. */
static void test_kinds(void **state)
{
    (void)state;
    struct trial trial;
    leave(&trial, "mkdir d; printf 1 > d/f; ln -s d l; ln -s d/f lf; ln -s /etc etc; ln -s /etc/passwd p; mkfifo fifo;"
                  "ln d/f hard; printf 2 > none; chmod 0 none; mkdir closed; printf 3 > closed/f; chmod 0 closed");
    COLLECT(&trial, BUDGET, "128", "0", "**", "etc/passwd", "l/f", "fifo");
    assert_string_equal(met.text, "d/f 1;1|hard 1;1|none 1unreadable;");
    assert_int_equal(met.end.marks, 1);
    trial_close(&trial);
}

static void test_limits(void **state)
{
    (void)state;
    struct trial trial;
    leave(&trial, "printf 12345 > a; printf 123456 > b; printf 1234 > c; printf 1 > d; : > e; truncate -s 30M sparse");
    COLLECT(&trial, "10", "128", "0", "**");
    assert_string_equal(met.text, "a 5;12345|b 6over;c 4;1234|d 1;1|e 0;|sparse 31457280over;");
    COLLECT(&trial, "10", "2", "0", "**");
    assert_string_equal(met.text, "a 5;12345|b 6over;c 4;1234|d 1over;e 0over;sparse 31457280over;");
    COLLECT(&trial, "0", "0", "0", "e");
    assert_string_equal(met.text, "e 0over;");
    COLLECT(&trial, "99999999", "128", "0", "sparse");
    assert_int_equal(met.bytes, 30u << 20);
    trial_close(&trial);
}

/* Of many files the first are told, and the rest is counted. */
static void test_many(void **state)
{
    (void)state;
    struct trial trial;
    leave(&trial, "for d in 2 0 1; do mkdir $d; (cd $d; seq -f %04.0f 1 4000 | xargs touch); done");
    COLLECT(&trial, BUDGET, "128", "0", "**");
    assert_int_equal(met.entries, 128 + COLLECT_OVER);
    assert_int_equal(met.end.marks >> 32, 12000 - 128 - COLLECT_OVER);
    assert_memory_equal(met.text, "0/0001 0;|0/0002 0;|", 20);
    assert_non_null(strstr(met.text, "|0/0128 0;|0/0129 0over;"));
    COLLECT(&trial, BUDGET, "128", "0", "2/3999", "2/*9[89]*x", "1/000[1-3]");
    assert_string_equal(met.text, "1/0001 0;|1/0002 0;|1/0003 0;|2/3999 0;|");
    trial_close(&trial);
}

/* Names of 255 bytes, bytes that are no UTF-8, paths longer than the system takes, folders deeper than we look. */
static void test_names(void **state)
{
    char name[256];
    (void)state;
    struct trial trial;
    leave(&trial, "n=$(printf %0255d 7); printf 1 > $n; printf 2 > \"$(printf '\\377')\";"
                  "for i in $(seq 70); do mkdir d; cd d; : > f; done; cd /tmp/work; mkdir long; cd long;"
                  "for i in $(seq 30); do mkdir -p $n; cd $n; : > f; done");
    snprintf(name, sizeof name, "%0255d", 7);
    COLLECT(&trial, BUDGET, "128", "0", "*");
    assert_memory_equal(met.text, name, 255);
    assert_string_equal(met.text + 255, " 1;1|\xff 1;2|");
    COLLECT(&trial, BUDGET, "128", "0", "d/**");
    assert_int_equal(met.entries, COLLECT_DEPTH);
    COLLECT(&trial, BUDGET, "128", "0", "long/**");
    assert_int_equal(met.entries, 15);
    trial_close(&trial);
}

static void test_usage(void **state)
{
    static const char *const wrong[][9] = {
        {NULL},
        {"nothing"},
        {"collect"},
        {"collect", "1", "1", "0"},
        {"collect", "1", "1", "1", "skip"},
        {"collect", "-1", "1", "0", "*"},
        {"collect", "1x", "1", "0", "*"},
        {"collect", "1", "129", "0", "*"},
        {"collect", "1", "1", "33", "*"},
        {"collect", "1", "1", "0", "/etc/passwd"},
        {"collect", "1", "1", "0", "../*"},
    };
    (void)state;
    struct trial trial;
    leave(&trial, "true");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *argv[12] = {TRIAL_TOOL, "files"};
        memcpy(argv + 2, wrong[i], sizeof wrong[i]);
        tool(&trial, argv);
        trial_expect(&trial, FILE_USAGE, 0, 0);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "");
    }
    trial_close(&trial);
}

/* A program that starts the tool itself gets what it could read itself, and nothing of the agent's. */
static void test_by_a_program(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_sh(&trial,
             "printf 1 > own; ln -s /proc/1 one; ln -s / root;" TRIAL_TOOL
             " files collect 1000 9 0 '**' 'one/environ' 'root/etc/passwd' | od -An -c | grep -c own;" TRIAL_TOOL
             " capsules; echo $?; " TRIAL_TOOL "; echo $?; cd ..; rm -r work; ln -s / work;" TRIAL_TOOL
             " files collect 1000 9 0 'etc/passwd'; echo $?");
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "0\n1\n1\n4\n");
    trial_close(&trial);
}

static void test_no_folder(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_sh(&trial, "cd ..; rmdir work; " TRIAL_TOOL " files collect 1000 9 0 '*'; echo $?");
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "3\n");
    trial_close(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),     cmocka_unit_test(test_kinds),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_many),         cmocka_unit_test(test_names),     cmocka_unit_test(test_usage),
        cmocka_unit_test(test_by_a_program), cmocka_unit_test(test_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
