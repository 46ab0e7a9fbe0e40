/* The agent's program as a tool: it lists, reads, writes, removes, packs and unpacks the working folder, and never
 * leaves it. */
#include "agent_trial.h"
#include "base/buf.h"
#include "lib/entries.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define T " 1700000000123456789"
#define TOUCH "find . -exec touch -h -d @1700000000.123456789 {} +;"

static struct trial trial;
static struct buf text, in;

static int open_trial(const struct trial_options *options)
{
    trial_open(&trial, options);
    buf_init(&text, (size_t)64 << 20);
    buf_init(&in, (size_t)256 << 20);
    return 0;
}

static int setup(void **state)
{
    static const struct trial_options small = {.tmpfs = "size=8m,nr_inodes=300"};
    (void)state;
    return open_trial(&small);
}

static int setup_large(void **state)
{
    (void)state;
    return open_trial(NULL);
}

static int teardown(void **state)
{
    (void)state;
    trial_close(&trial);
    buf_free(&text);
    buf_free(&in);
    return 0;
}

static void sh(const char *script)
{
    trial_again(&trial);
    trial_sh(&trial, script);
    trial_expect(&trial, 0, 0, 0);
}

static void sh_says(const char *script, const char *expected)
{
    sh(script);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), expected);
}

/* Runs an operation with `in` as its input. What it says is in `text` then. */
static void run(enum file_exit exit, const char *const argv[])
{
    struct buf out;
    trial_again(&trial);
    trial_step(&trial, FRAME_STEP_RUN, 20000, (uint64_t)1 << 30, argv);
    trial_start(&trial, in.data, in.len);
    trial_pump(&trial, NULL);
    trial_expect(&trial, exit, 0, 0);
    const struct trial_bytes *bytes = &trial.output[FRAME_STEP_RUN][FRAME_STDOUT];
    buf_init(&out, (size_t)1 << 30);
    assert_int_equal(buf_append(&out, bytes->data, bytes->len), 0);
    entries_text(&text, &out);
    buf_free(&out);
    buf_reset(&in);
}

#define ARGS(...) ((const char *const[]){TRIAL_TOOL, "files", __VA_ARGS__, NULL})
#define SAYS(exit, expected, ...)                   \
    do {                                            \
        run((exit), ARGS(__VA_ARGS__));             \
        assert_string_equal(text.data, (expected)); \
    } while (0)

static void test_list(void **state)
{
    (void)state;
    sh("mkdir b b/c; echo -n hello >a; echo -n xx >b/1; echo -n y >b/c/2; echo -n z >b.txt; ln -s a l; mkfifo p;"
       "chmod 755 a b b/c; chmod 600 b/1 b/c/2 b.txt p;" TOUCH);
    SAYS(0,
         "file a 755" T " 5\nfolder b 755" T "\nfile b.txt 600" T " 1\nlink l 777" T " -> a\nother p 600" T "\nend 0\n",
         "list", "", "1", "", "99");
    SAYS(0, "end 0\n", "list", "", "0", "", "99");
    SAYS(0,
         "folder b 755" T "\n"
         "end 0\n",
         "list", "b", "0", "", "99");
    SAYS(0, "folder b 755" T "\nfile b/1 600" T " 2\nfolder b/c 755" T "\nend 0\n", "list", "b", "1", "", "99");
    SAYS(0, "folder b/c 755" T "\nend 0\n", "list", "b", "1", "b/1", "99");
    SAYS(0, "file b/1 600" T " 2\nfolder b/c 755" T "\nend 0\n", "list", "", "9", "b", "2");
    SAYS(0, "file b/c/2 600" T " 1\nfile b.txt 600" T " 1\nend 0\n", "list", "", "9", "b/c", "2");
    SAYS(0, "link l 777" T " -> a\nend 0\n", "list", "l", "1", "", "99");
    SAYS(FILE_NOT_FOUND, "end 3\n", "list", "nothing", "1", "", "99");
    SAYS(FILE_NOT_FOUND, "end 3\n", "list", "a/x", "1", "", "99");
    SAYS(FILE_OUTSIDE, "end 6\n", "list", "../b", "1", "", "99");
    SAYS(FILE_OUTSIDE, "end 6\n", "list", "/tmp", "1", "", "99");
    SAYS(FILE_USAGE, "end 2\n", "list", "b", "-1", "", "99");
    SAYS(FILE_USAGE, "end 2\n", "list", "b", "1");
}

static void test_read(void **state)
{
    (void)state;
    sh("mkdir d; echo -n hello >d/a; ln -s d/a in; ln -s ../d d/up; echo -n secret >../secret; ln -s ../secret out;"
       "ln -s /tmp/work/d/a abs; ln -s / root; ln -s loop loop; mkfifo p; mkdir closed; echo -n x >closed/x;"
       "ln -s /proc/self/environ env; ln -s /proc/self/fd/0 magic; chmod 0 closed; chmod 700 d/a;" TOUCH "chmod 0 d/a");
    SAYS(0, "file d/a 0" T " 5 hello\nend 0\n", "read", "d/a", "0", "999");
    SAYS(0, "file d/a 0" T " 5 ell\nend 0\n", "read", "d/a", "1", "3");
    SAYS(0, "file d/a 0" T " 5 \nend 0\n", "read", "d/a", "5", "3");
    SAYS(0, "file d/a 0" T " 5 \nend 0\n", "read", "d/a", "0", "0");
    SAYS(0, "file in 0" T " 5 hello\nend 0\n", "read", "in", "0", "999");
    SAYS(0, "file d/up/a 0" T " 5 hello\nend 0\n", "read", "d/up/a", "0", "999");
    static const char *const outside[] = {"out",      "abs",   "root/etc/passwd",  "loop",
                                          "env",      "magic", "../secret",        "/tmp/secret",
                                          "d/../d/a", "",      "d/up/../../secret"};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        SAYS(FILE_OUTSIDE, "end 6\n", "read", outside[i], "0", "999");
    SAYS(FILE_WRONG_KIND, "end 4\n", "read", "d", "0", "999");
    SAYS(FILE_WRONG_KIND, "end 4\n", "read", "p", "0", "999");
    SAYS(FILE_NOT_FOUND, "end 3\n", "read", "d/b", "0", "999");
    SAYS(FILE_NOT_FOUND, "end 3\n", "read", "d/a/b", "0", "999");
    SAYS(FILE_NOT_ALLOWED, "end 11\n", "read", "closed/x", "0", "999");
    SAYS(FILE_USAGE, "end 2\n", "read", "d/a", "0");
    sh_says("stat -c %a d/a; chmod 700 closed", "0\n");
}

static void put(const char *path, const char *content)
{
    entries_file(&in, path, 0640, content, strlen(content));
    entries_end(&in, FILE_DONE);
}

static void writes(enum file_exit exit, const char *condition, const char *path, const char *content)
{
    put(path, content);
    run(exit, ARGS("write", condition));
}

static void test_write(void **state)
{
    (void)state;
    sh("echo -n secret >../secret; chmod 600 ../secret; ln -s ../secret out; mkdir d; ln -s d in; ln -s .. up");
    writes(0, "any", "a", "one");
    sh_says("cat a; stat -c ' %a' a", "one 640\n");
    sh("chmod 755 a");
    writes(0, "any", "a", "two");
    sh_says("cat a; stat -c ' %a' a", "two 755\n");
    writes(0, "any", "new/deep/er/f", "x");
    sh_says("cat new/deep/er/f; stat -c ' %a' new/deep", "x 755\n");
    writes(0, "any", "in/f", "inside");
    sh_says("cat d/f", "inside");
    writes(0, "any", "out", "file");
    sh_says("cat out ../secret; test -L out || echo", "filesecret\n");
    writes(FILE_OUTSIDE, "any", "up/secret", "bad");
    writes(FILE_WRONG_KIND, "any", "d", "bad");
    writes(FILE_WRONG_KIND, "any", "a/b", "bad");
    sh_says("cat ../secret d/f; ls -A ..", "secretinsidesecret\nwork\n");
    put("a", "three");
    entries_file(&in, "b", 0640, "x", 1); /* behind the end */
    run(FILE_BROKEN, ARGS("write", "any"));
    run(FILE_BROKEN, ARGS("write", "any"));
    run(FILE_USAGE, ARGS("write", "sometimes"));
}

/* The end's marks say how many are new; a part of `text` says that the file is there. */
static void test_write_conditions(void **state)
{
    char tag[ENTRY_TAG_SIZE], tags[2 * ENTRY_TAG_SIZE + 4];
    (void)state;
    writes(FILE_CHANGED, "old", "a", "no");
    writes(FILE_CHANGED, "=1-1", "a", "no");
    writes(0, "new", "a", "one");
    writes(FILE_EXISTS, "new", "a", "no");
    writes(0, "old", "a", "two");
    sh("touch -d @1700000000.123456789 a");
    entry_tag(tag, 3, ENTRIES_TIME);
    snprintf(tags, sizeof tags, "=1-1,%s", tag);
    writes(FILE_CHANGED, "=1-1", "a", "no");
    sh_says("cat a; stat -c %y a", "two2023-11-14 22:13:20.123456789 +0000\n");
    writes(0, tags, "a", "six");
    writes(FILE_CHANGED, tags, "a", "no"); /* the same size at another time */
    sh_says("cat a; ls -A", "sixa\n");
}

/* A stream that ends too early leaves the file as it was; those before it are written. */
static void test_write_cut(void **state)
{
    size_t whole;
    (void)state;
    sh("echo -n old >b");
    entries_file(&in, "a", 0644, "first", 5);
    entries_file(&in, "b", 0644, "second", 6);
    whole = in.len;
    entries_end(&in, FILE_DONE);
    in.len = whole - 6; /* without the last bytes of "b" */
    run(FILE_BROKEN, ARGS("write", "any"));
    sh_says("cat a b; ls -A . ..", "firstold.:\na\nb\n\n..:\nwork\n");
}

static void test_write_full(void **state)
{
    static char big[9000000];
    (void)state;
    memset(big, 'b', sizeof big);
    sh("echo -n old >a");
    entries_file(&in, "a", 0644, big, sizeof big);
    entries_end(&in, FILE_DONE);
    run(FILE_NO_SPACE, ARGS("write", "any"));
    sh_says("cat a; ls -A . ..; df --output=used . | tail -1 | tr -d ' '", "old.:\na\n\n..:\nwork\n4\n");
}

static void test_remove(void **state)
{
    (void)state;
    sh("mkdir -p d/e/f ro; echo x >d/e/f/x; echo -n s >../secret; ln -s ../secret out; ln -s .. up;"
       "echo -n abc >a;" TOUCH "chmod 0 d/e/f; chmod 500 d/e ro");
    run(0, ARGS("remove", "d", "any"));
    run(0, ARGS("remove", "ro", "any"));
    SAYS(0, "link out 777" T " -> ?\nend 0\n", "remove", "out", "any");
    run(FILE_OUTSIDE, ARGS("remove", "up/secret", "any"));
    run(FILE_OUTSIDE, ARGS("remove", "../secret", "any"));
    run(FILE_NOT_FOUND, ARGS("remove", "d", "any"));
    run(FILE_NOT_FOUND, ARGS("remove", "a/b", "any"));
    run(FILE_CHANGED, ARGS("remove", "a", "=1-1"));
    sh_says("cat ../secret; ls -A . ..", "s.:\na\nup\n\n..:\nsecret\nwork\n");
    char tag[ENTRY_TAG_SIZE + 1] = "=";
    entry_tag(tag + 1, 3, ENTRIES_TIME);
    run(0, ARGS("remove", "a", tag));
    run(FILE_USAGE, ARGS("remove", "up", "new"));
}

static const char *const tree =
    "mkdir -p d/e closed; echo -n hello >a; ln d/../a d/same; ln -s /etc/passwd out; ln -s d in;"
    "echo -n x >\"$(printf 'new\\nline')\"; echo -n y >\"$(printf '\\377\\376')\"; head -c 300000 /dev/zero | tr '\\0' "
    "n >big;"
    "truncate -s 3000000 sparse; echo -n end >>sparse; echo -n z >closed/x;"
    "touch \"$(head -c 255 /dev/zero | tr '\\0' l)\"; chmod 4755 a; chmod 0 closed/x big; chmod 0 closed;";

static void pack(const char *max_bytes, const char *max_entries, enum file_exit exit)
{
    run(exit, ARGS("pack", max_bytes, max_entries));
}

/* What pack has said becomes the input of the next operation. */
static void hand_over(void)
{
    const struct trial_bytes *bytes = &trial.output[FRAME_STEP_RUN][FRAME_STDOUT];
    buf_reset(&in);
    assert_int_equal(buf_append(&in, bytes->data, bytes->len), 0);
}

static void test_round(void **state)
{
    struct buf first;
    char times[1024];
    (void)state;
    sh(tree);
    snprintf(times, sizeof times, "chmod 700 closed; %s chmod 0 closed", TOUCH);
    sh(times);
    pack("100000000", "1000", FILE_DONE);
    assert_non_null(strstr(text.data, "same d/same 4755" T " -> a\n"));
    assert_non_null(strstr(text.data, "folder closed 0" T "\nfile closed/x 0" T " 1 z\n"));
    assert_non_null(strstr(text.data, "file a 4755" T " 5 hello\n"));
    assert_non_null(strstr(text.data, "link out 777" T " -> /etc/passwd\n"));
    assert_in_range(trial.output[FRAME_STEP_RUN][FRAME_STDOUT].len, 300000, 320000); /* the hole takes no bytes */
    hand_over();
    buf_init(&first, (size_t)1 << 20);
    assert_int_equal(buf_puts(&first, text.data), 0);
    sh("chmod 700 closed; rm -rf *; echo other >a");
    run(FILE_DONE, ARGS("unpack"));
    pack("100000000", "1000", FILE_DONE);
    /* setuid is the one thing that does not come back */
    for (char *bit = first.data; (bit = strstr(bit, " 4755")); bit++)
        memmove(bit + 1, bit + 2, strlen(bit + 2) + 1);
    assert_string_equal(text.data, first.data);
    sh_says("stat -c '%h %a' a; du -k sparse | cut -f1; ls -A ..; stat -c %a .; chmod 700 closed",
            "2 755\n4\nwork\n700\n");
    buf_free(&first);
}

static void test_pack_limits(void **state)
{
    (void)state;
    sh("echo -n 12345 >a; echo -n 67890 >b; mkdir c; mkfifo c/p; truncate -s 7000000 s");
    pack("10", "4", FILE_TOO_LARGE);
    pack("7000010", "4", FILE_TOO_LARGE);
    pack("7000009", "5", FILE_TOO_LARGE);
    pack("7000010", "5", FILE_DONE);
    assert_non_null(strstr(text.data, "other c/p"));
}

/* What cannot be unpacked leaves everything as it was. */
static void refuses(enum file_exit exit)
{
    run(exit, ARGS("unpack"));
    sh_says("cat old; ls -A . ..", "old.:\nold\n\n..:\nwork\n");
}

static void test_unpack_refused(void **state)
{
    static char big[9000000];
    (void)state;
    memset(big, 'b', sizeof big);
    sh("echo -n old >old");
    refuses(FILE_BROKEN);
    entries_file(&in, "new", 0644, "x", 1);
    refuses(FILE_BROKEN);
    entries_file(&in, "new", 0644, "x", 1);
    entries_end(&in, FILE_SYSTEM);
    refuses(FILE_BROKEN);
    entries_file(&in, "new", 0644, big, sizeof big);
    entries_end(&in, FILE_DONE);
    refuses(FILE_NO_SPACE);
    for (int i = 0; i < 400; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%d", i);
        entries_file(&in, name, 0644, "", 0);
    }
    entries_end(&in, FILE_DONE);
    refuses(FILE_NO_SPACE);
    entries_file(&in, "d", 0644, "", 0);
    entries_file(&in, "d/f", 0644, "", 0);
    entries_end(&in, FILE_DONE);
    refuses(FILE_WRONG_KIND);
    entries_entry(&in, ENTRY_SAME, "same", "nothing");
    entries_end(&in, FILE_DONE);
    refuses(FILE_BROKEN);
    entries_entry(&in, ENTRY_LINK, "up", "..");
    entries_file(&in, "up/f", 0644, "x", 1);
    entries_end(&in, FILE_DONE);
    refuses(FILE_OUTSIDE);
    entries_entry(&in, ENTRY_LINK, "tmp", "/tmp");
    entries_file(&in, "tmp/f", 0644, "x", 1);
    entries_end(&in, FILE_DONE);
    refuses(FILE_OUTSIDE);
    entries_entry(&in, ENTRY_LINK, "tmp", "/tmp");
    entries_entry(&in, ENTRY_SAME, "f", "tmp/work/old");
    entries_end(&in, FILE_DONE);
    refuses(FILE_OUTSIDE);
    entries_file(&in, "big", 0644, "x", 1);
    in.data[in.len - 8 - 1] = (char)0xff; /* the head of the chunk */
    refuses(FILE_BROKEN);
}

/* Any order, names twice, folders without entries. */
static void test_unpack_any_order(void **state)
{
    (void)state;
    entries_file(&in, "z/y/x", 0600, "1", 1);
    entries_entry(&in, ENTRY_DIRECTORY, "z", NULL);
    entries_file(&in, "z/a", 0600, "2", 1);
    entries_file(&in, "z/y/x", 0644, "3", 1);
    entries_entry(&in, ENTRY_LINK, "l", "z");
    entries_file(&in, "l/b", 0600, "4", 1);
    entries_end(&in, FILE_DONE);
    run(FILE_DONE, ARGS("unpack"));
    sh_says("cat z/y/x z/a z/b; stat -c ' %a %Y' z; ls -A ..", "324 755 1700000000\nwork\n");
}

static void put_many(int count)
{
    char name[16];

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "f%03d", i);
        entries_file(&in, name, 0644, "", 0);
    }
    entries_end(&in, FILE_DONE);
}

/* An empty folder gets as many files as there may be, and one of them can be removed. */
static void test_unpack_here(void **state)
{
    char expected[32];

    (void)state;
    sh("i=0; while true 2>/dev/null >$i; do i=$((i + 1)); done; rm -f *; echo $i");
    int most = (int)strtol(trial_text(&trial, FRAME_STDOUT), NULL, 10);
    assert_in_range(most, 200, 300);
    put_many(most);
    run(FILE_NO_SPACE, ARGS("unpack"));
    put_many(most);
    run(FILE_DONE, ARGS("unpack", "here"));
    snprintf(expected, sizeof expected, "%d\nwork\n", most);
    sh_says("ls | wc -l; ls -A ..", expected);
    run(FILE_CHANGED, ARGS("remove", "f000", "=1-1"));
    run(FILE_DONE, ARGS("remove", "f000", "any"));
    sh("mkdir d");
    run(FILE_DONE, ARGS("remove", "d", "any"));
    sh_says("ls -A | head -1; ls -A ..", "f001\nwork\n");
}

/* A tree that is deeper than a path may be: what is beyond it is left out, and said. */
static void test_deep(void **state)
{
    (void)state;
    sh("name=$(head -c 200 /dev/zero | tr '\\0' d); for i in $(seq 40); do mkdir $name; cd $name; done; touch f");
    pack("1000", "1000", FILE_DONE);
    assert_non_null(strstr(text.data, "end 0"));
    sh("rm -rf d*");
}

static void test_many(void **state)
{
    (void)state;
    sh("for i in $(seq 10000); do : >f$i; done");
    pack("1000", "20000", FILE_DONE);
    hand_over();
    sh("rm -f f*");
    run(FILE_DONE, ARGS("unpack"));
    sh_says("ls | wc -l", "10000\n");
}

/* A process that has a file and a link to the outside change places, again and again, while the tool works. */
static int play_swap(void)
{
    pid_t child = fork();
    if (child == 0)
        for (;;) {
            renameat2(AT_FDCWD, "x", AT_FDCWD, "l", RENAME_EXCHANGE);
            renameat2(AT_FDCWD, "d", AT_FDCWD, "m", RENAME_EXCHANGE);
        }
    for (int i = 0; i < 25; i++)
        if (system(TRIAL_TOOL " files read x 0 99;" TRIAL_TOOL " files read d/f 0 99;" TRIAL_TOOL
                              " files pack 99999 99;" TRIAL_TOOL " files collect 9999 99 0 '**'") < 0)
            return 1;
    kill(child, SIGKILL);
    return waitpid(child, NULL, 0) == child ? 0 : 1;
}

static void test_race(void **state)
{
    (void)state;
    sh("mkdir ../outside d; echo -n SECRET >../outside/f; echo -n inside >d/f; echo -n inside >x; ln -s ../outside m;"
       "ln -s ../outside/f l");
    trial_again(&trial);
    trial_self(&trial, "swap");
    trial_expect(&trial, 0, 0, 0);
    const struct trial_bytes *bytes = &trial.output[FRAME_STEP_RUN][FRAME_STDOUT];
    assert_null(memmem(bytes->data, bytes->len, "SECRET", 6));
    assert_non_null(memmem(bytes->data, bytes->len, "inside", 6));
}

int main(int argc, char **argv)
{
    static const struct trial_role roles[] = {{"swap", play_swap}};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_conditions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_round, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pack_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unpack_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unpack_any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unpack_here, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup_large, teardown),
        cmocka_unit_test_setup_teardown(test_race, setup, teardown),
    };
    int played = trial_main(argc, argv, roles, sizeof roles / sizeof *roles);
    return played >= 0 ? played : cmocka_run_group_tests(tests, NULL, NULL);
}
