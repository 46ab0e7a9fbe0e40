/* The file of a sleeping workspace: what was packed comes back; it can be listed and read in part; a damaged one is
 * noticed. */
#include "archive_stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct stage stage;
static struct buf stream, text;

static int setup(void **state)
{
    (void)state;
    stage_open(&stage);
    buf_init(&stream, (size_t)256 << 20);
    buf_init(&text, (size_t)64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&stream);
    buf_free(&text);
    stage_close(&stage);
    return 0;
}

static char *noise(size_t len)
{
    char *data = malloc(len);
    uint64_t x = 88172645463325252u;

    assert_non_null(data);
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        data[i] = (char)x;
    }
    return data;
}

/* Something of everything, in order. */
static void fill(void)
{
    char *data = noise(3000000);
    char longest[256];

    memset(longest, 'n', 255);
    longest[255] = '\0';
    entries_file(&stream, "a", 0755, "hello", 5);
    entries_entry(&stream, ENTRY_DIRECTORY, "b", NULL);
    entries_file(&stream, "b/big", 0600, data, 3000000);
    entries_entry(&stream, ENTRY_LINK, "b/link", "../a");
    entries_file(&stream, "b/new\nline", 0644, "x", 1);
    entries_entry(&stream, ENTRY_LINK, "b/outside", "/etc/passwd");
    entries_file(&stream, "b/r\xc3\xa4tsel \xff\xfe", 0, "", 0);
    entries_entry(&stream, ENTRY_SAME, "b/same", "b/big");
    entries_file(&stream, "b.txt", 0444, "dot", 3);
    entries_entry(&stream, ENTRY_LINK, "d", "b");
    entries_entry(&stream, ENTRY_LINK, "loop", "loop");
    entries_file(&stream, longest, 0644, "long", 4);
    entries_hole(&stream, "sparse", 5000000);
    entries_end(&stream, FILE_DONE);
    free(data);
}

static void test_round(void **state)
{
    static const size_t steps[] = {ARCHIVE_FEED_MAX, 1000, 65536};

    (void)state;
    fill();
    entries_text(&text, &stream);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        stage_write(&stage, "ws", &stream, steps[i]);
        assert_string_equal(stage.error.text, "");
        assert_int_equal(stage.counts.entries, 13);
        assert_int_equal(stage.counts.bytes, 3000000 + 5 + 1 + 3 + 4 + 5000003);
        assert_int_equal(stage.counts.left_out, 0);
        assert_int_equal(stage.out.len, 0);
        assert_int_equal(stage_files(&stage), 1);
        stage_read(&stage, "ws");
        stage_expect(&stage, text.data);
    }
    struct stat status;
    assert_int_equal(stat(stage_path(&stage, "ws"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

/* A file that is no file for a moment must not be packed without its bytes. */
static void test_left_out(void **state)
{
    (void)state;
    entries_file(&stream, "a", 0644, "1", 1);
    entries_entry(&stream, ENTRY_OTHER, "pipe", NULL);
    entries_end(&stream, FILE_DONE);
    stage_write(&stage, "ws", &stream, 4096);
    assert_string_equal(stage.error.text, "");
    assert_int_equal(stage.counts.left_out, 1);
    stage_read(&stage, "ws");
    stage_expect(&stage, "file a 644 1700000000123456789 1 1\nend 0\n");
}

static void test_empty(void **state)
{
    (void)state;
    entries_end(&stream, FILE_DONE);
    stage_write(&stage, "ws", &stream, 1);
    stage_read(&stage, "ws");
    stage_expect(&stage, "end 0\n");
    stage_list(&stage, "ws", &(struct archive_query){.path = "", .depth = 1, .after = "", .most = 9});
    stage_expect(&stage, "end 0\n");
}

static void list(const char *path, uint32_t depth, const char *after, uint32_t most, const char *expected)
{
    stage_list(&stage, "ws", &(struct archive_query){path, depth, after, most});
    stage_expect(&stage, expected);
}

static void test_list(void **state)
{
    (void)state;
    entries_file(&stream, "a", 0755, "hello", 5);
    entries_entry(&stream, ENTRY_DIRECTORY, "b", NULL);
    entries_file(&stream, "b/1", 0600, "xx", 2);
    entries_entry(&stream, ENTRY_DIRECTORY, "b/c", NULL);
    entries_file(&stream, "b/c/2", 0600, "y", 1);
    entries_file(&stream, "b.txt", 0600, "z", 1);
    entries_entry(&stream, ENTRY_LINK, "l", "a");
    entries_end(&stream, FILE_DONE);
    stage_write(&stage, "ws", &stream, 4096);
#define T " 1700000000123456789"
    list("", 1, "", 99, "file a 755" T " 5\nfolder b 755" T "\nfile b.txt 600" T " 1\nlink l 755" T " -> a\nend 0\n");
    list("", 0, "", 99, "end 0\n");
    list("b", 0, "", 99, "folder b 755" T "\nend 0\n");
    list("b", 1, "", 99, "folder b 755" T "\nfile b/1 600" T " 2\nfolder b/c 755" T "\nend 0\n");
    list("b", 1, "b/1", 99, "folder b/c 755" T "\nend 0\n");
    list("", 9, "b", 2, "file b/1 600" T " 2\nfolder b/c 755" T "\nend 0\n");
    list("", 9, "b/c", 2, "file b/c/2 600" T " 1\nfile b.txt 600" T " 1\nend 0\n");
    list("b/c/2", 5, "", 99, "file b/c/2 600" T " 1\nend 0\n");
    list("b/c", 1, "z", 99, "end 0\n");
    list("nothing", 1, "", 99, "end 3\n");
    list("b/c/2/x", 1, "", 99, "end 3\n");
    list("l", 1, "", 99, "link l 755" T " -> a\nend 0\n");
    list("../b", 1, "", 99, "end 6\n");
    list("/b", 1, "", 99, "end 6\n");
}

static void one(const char *path, uint64_t offset, uint64_t length, const char *expected)
{
    stage_read_one(&stage, "ws", path, offset, length);
    stage_expect(&stage, expected);
}

static void test_read_one(void **state)
{
    char *data = noise(3000000), expected[64];

    (void)state;
    fill();
    stage_write(&stage, "ws", &stream, ARCHIVE_FEED_MAX);
    one("a", 0, UINT64_MAX, "file a 755" T " 5 hello\nend 0\n");
    one("a", 1, 3, "file a 755" T " 5 ell\nend 0\n");
    one("a", 5, 3, "file a 755" T " 5 \nend 0\n");
    one("a", 99, 3, "file a 755" T " 5 \nend 0\n");
    one("a", 0, 0, "file a 755" T " 5 \nend 0\n");
    one("b/link", 0, 9, "file b/link 755" T " 5 hello\nend 0\n");
    one("d/link", 0, 9, "file d/link 755" T " 5 hello\nend 0\n");
    one("d/new\nline", 0, 9, "file d/new\nline 644" T " 1 x\nend 0\n");
    one("b.txt", 0, 9, "file b.txt 444" T " 3 dot\nend 0\n");
    one("sparse", 5000000, 9, "file sparse 755" T " 5000003 end\nend 0\n");
    one("sparse", 5000001, 1, "file sparse 755" T " 5000003 n\nend 0\n");
    snprintf(expected, sizeof expected, "file b/big 600" T " 3000000 %.7s\nend 0\n", data + 2999980);
    one("b/big", 2999980, 7, expected);
    snprintf(expected, sizeof expected, "file b/same 600" T " 3000000 %.7s\nend 0\n", data + 2999980);
    one("b/same", 2999980, 7, expected);
    free(data);
}

static void test_read_no_file(void **state)
{
    static const struct {
        const char *path;
        enum file_exit exit;
    } cases[] = {
        {"c", FILE_NOT_FOUND},  {"a/b", FILE_NOT_FOUND}, {"b", FILE_WRONG_KIND},        {"d", FILE_WRONG_KIND},
        {"loop", FILE_OUTSIDE}, {"../a", FILE_OUTSIDE},  {"b/outside", FILE_OUTSIDE},   {"/a", FILE_OUTSIDE},
        {"", FILE_OUTSIDE},     {"b/", FILE_OUTSIDE},    {"b/outside/x", FILE_OUTSIDE}, {"d/nothing", FILE_NOT_FOUND},
    };

    (void)state;
    fill();
    stage_write(&stage, "ws", &stream, ARCHIVE_FEED_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[16];

        snprintf(expected, sizeof expected, "end %u\n", cases[i].exit);
        one(cases[i].path, 0, 9, expected);
    }
}

/* What is wrong with a stream leaves the old file, and nothing beside it. */
static void refused(enum error_code code, const char *part)
{
    stage_write(&stage, "ws", &stream, 1000);
    stage_expect_error(&stage, code, part);
    assert_int_equal(stage_files(&stage), 1);
    stage_read(&stage, "ws");
    stage_expect(&stage, "file old 644" T " 3 old\nend 0\n");
    buf_reset(&stream);
    stage.limit_bytes = stage.limit_entries = 0;
}

static void test_refused_streams(void **state)
{
    (void)state;
    entries_file(&stream, "old", 0644, "old", 3);
    entries_end(&stream, FILE_DONE);
    stage_write(&stage, "ws", &stream, 1000);
    buf_reset(&stream);

    entries_file(&stream, "a", 0644, "1", 1);
    refused(ERROR_INTERNAL, "cut");
    entries_file(&stream, "b", 0644, "1", 1);
    entries_file(&stream, "a", 0644, "1", 1);
    entries_end(&stream, FILE_DONE);
    refused(ERROR_INTERNAL, "order");
    entries_file(&stream, "a", 0644, "1", 1);
    entries_file(&stream, "a", 0644, "1", 1);
    entries_end(&stream, FILE_DONE);
    refused(ERROR_INTERNAL, "order");
    entries_file(&stream, "a", 0644, "1", 1);
    entries_end(&stream, FILE_SYSTEM);
    refused(ERROR_INTERNAL, "agent failed");
    entries_end(&stream, FILE_TOO_LARGE);
    refused(ERROR_TOO_LARGE, "too large");
    entries_file(&stream, "a", 0644, "1", 1);
    entries_end(&stream, FILE_DONE);
    entries_end(&stream, FILE_DONE);
    refused(ERROR_INTERNAL, "broken");
    stage.limit_entries = 1;
    entries_file(&stream, "a", 0644, "1", 1);
    entries_file(&stream, "b", 0644, "1", 1);
    entries_end(&stream, FILE_DONE);
    refused(ERROR_TOO_LARGE, "more than 1 files");
    stage.limit_bytes = 1000;
    entries_hole(&stream, "a", 1000);
    entries_end(&stream, FILE_DONE);
    refused(ERROR_TOO_LARGE, "more than 1000 bytes");
}

/* A file may grow or shrink while it is packed: its size in the archive is the one of its entry. */
static void test_changing_size(void **state)
{
    (void)state;
    entries_file(&stream, "a", 0644, "12345", 5);
    entries_file(&stream, "b", 0644, "1", 1);
    entries_end(&stream, FILE_DONE);
    stream.data[8] = 3; /* the size in the entry of "a" */
    stage_write(&stage, "ws", &stream, 1000);
    stage_read(&stage, "ws");
    stage_expect(&stage, "file a 644" T " 3 123\nfile b 644" T " 1 1\nend 0\n");
    stream.data[8] = 70;
    stage_write(&stage, "ws", &stream, 1000);
    stage_read_one(&stage, "ws", "a", 0, 5);
    stage_expect(&stage, "file a 644" T " 70 12345\nend 0\n");
    stage_read_one(&stage, "ws", "b", 0, 5);
    stage_expect(&stage, "file b 644" T " 1 1\nend 0\n");
}

static void write_bytes(const char *name, const char *data, size_t len)
{
    int fd = open(stage_path(&stage, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_int_equal(write(fd, data, len), len);
    close(fd);
}

static char *read_bytes(const char *name, size_t *len)
{
    struct stat status;
    int fd = open(stage_path(&stage, name), O_RDONLY | O_CLOEXEC);
    char *data;

    assert_int_equal(fstat(fd, &status), 0);
    *len = (size_t)status.st_size;
    data = malloc(*len);
    assert_int_equal(read(fd, data, *len), *len);
    close(fd);
    return data;
}

/* Each byte that is changed, and each cut, is noticed by who reads all of it; and a list or a file that comes in spite
 * of it is right. */
static void test_damage(void **state)
{
    size_t len;
    char *data;

    (void)state;
    entries_file(&stream, "a", 0755, "hello", 5);
    entries_entry(&stream, ENTRY_LINK, "b", "a");
    entries_end(&stream, FILE_DONE);
    stage_write(&stage, "good", &stream, 1000);
    entries_text(&text, &stream);
    data = read_bytes("good", &len);
    for (size_t i = 0; i < 2 * len; i++) {
        char *copy = malloc(len);

        memcpy(copy, data, len);
        copy[i % len] ^= 0x10;
        write_bytes("bad", copy, i < len ? len : i - len);
        free(copy);
        stage_read(&stage, "bad");
        if (stage.error.code == ERROR_NONE)
            stage_expect(&stage, text.data); /* it was a byte that means nothing, or that of the index */
        else
            assert_int_equal(stage.error.code, ERROR_INTERNAL);
        if (i >= len)
            assert_int_equal(stage.error.code, ERROR_INTERNAL);
        stage_list(&stage, "bad", &(struct archive_query){.path = "", .depth = 1, .after = "", .most = 9});
        if (stage.error.code == ERROR_NONE)
            stage_expect(&stage, "file a 755" T " 5\nlink b 755" T " -> a\nend 0\n");
        stage_read_one(&stage, "bad", "a", 0, 9);
        if (stage.error.code == ERROR_NONE)
            stage_expect(&stage, "file a 755" T " 5 hello\nend 0\n");
    }
    free(data);
}

static void test_set_aside(void **state)
{
    char kept[256];

    (void)state;
    stage_read(&stage, "ws");
    stage_expect_error(&stage, ERROR_NOT_FOUND, "no file");
    for (int number = 1; number <= 2; number++) {
        char expected[256];

        write_bytes("ws", "garbage", 7);
        stage_read(&stage, "ws");
        stage_expect_error(&stage, ERROR_INTERNAL, "damaged");
        assert_int_equal(archive_file_set_aside(stage_path(&stage, "ws"), kept, sizeof kept), 0);
        snprintf(expected, sizeof expected, "%s.broken-%d", stage_path(&stage, "ws"), number);
        assert_string_equal(kept, expected);
    }
    assert_int_equal(stage_files(&stage), 2);
    assert_int_equal(archive_file_set_aside(stage_path(&stage, "ws"), kept, sizeof kept), -1);
}

static void test_no_folder(void **state)
{
    (void)state;
    entries_end(&stream, FILE_DONE);
    stage_write(&stage, "none/ws", &stream, 1000);
    stage_expect_error(&stage, ERROR_UNAVAILABLE, "disk");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round, setup, teardown),
        cmocka_unit_test_setup_teardown(test_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_streams, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changing_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_aside, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_folder, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
