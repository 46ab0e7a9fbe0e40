/* Clients' archives: what is taken, what is refused and with which sentence, and bombs. And what clients get. */
#include "archive_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#define BLOCK 512u
#define M " 1700000000000000000"

static struct stage stage;
static struct buf tar, packed;

static int setup(void **state)
{
    (void)state;
    stage_open(&stage);
    buf_init(&tar, (size_t)256 << 20);
    buf_init(&packed, (size_t)64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&tar);
    buf_free(&packed);
    stage_close(&stage);
    return 0;
}

/* A header of ustar, and the bytes behind it. */
static void add(const char *name, char type, const char *mode, uint64_t size, const char *link, const char *data)
{
    static const char format[8] = {'u', 's', 't', 'a', 'r', '\0', '0', '0'};
    char header[BLOCK] = {0};
    unsigned sum = 0;

    snprintf(header, 100, "%s", name);
    snprintf(header + 100, 8, "%s", mode);
    snprintf(header + 108, 8, "0000000");
    snprintf(header + 116, 8, "0000000");
    snprintf(header + 124, 12, "%011llo", (unsigned long long)size);
    snprintf(header + 136, 12, "%011o", 1700000000u);
    memset(header + 148, ' ', 8);
    header[156] = type;
    snprintf(header + 157, 100, "%s", link);
    memcpy(header + 257, format, sizeof format);
    for (unsigned i = 0; i < BLOCK; i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    assert_int_equal(buf_append(&tar, header, sizeof header), 0);
    if (data != NULL) {
        static const char zeros[BLOCK];

        assert_int_equal(buf_append(&tar, data, size), 0);
        assert_int_equal(buf_append(&tar, zeros, (BLOCK - size % BLOCK) % BLOCK), 0);
    }
}

static void file(const char *name, const char *data)
{
    add(name, '0', "0000644", strlen(data), "", data);
}

static void end(void)
{
    static const char zeros[2 * BLOCK];

    assert_int_equal(buf_append(&tar, zeros, sizeof zeros), 0);
}

/* Packs the tar so far as a member of gzip. */
static void pack(void)
{
    z_stream stream = {0};

    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(buf_reserve(&packed, deflateBound(&stream, tar.len)), 0);
    stream.next_in = (unsigned char *)tar.data;
    stream.avail_in = (unsigned)tar.len;
    stream.next_out = (unsigned char *)packed.data + packed.len;
    stream.avail_out = (unsigned)(packed.cap - packed.len);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.len += stream.total_out;
    deflateEnd(&stream);
    buf_reset(&tar);
}

static void read_packed(void)
{
    stage_read_spool(&stage, packed.data, packed.len);
    buf_reset(&packed);
}

static void test_taken(void **state)
{
    (void)state;
    add("./", '5', "0000755", 0, "", NULL);
    add("./d/", '5', "0000750", 0, "", NULL);
    file("./d/a", "hello");
    add("d/up", '2', "0000777", 0, "../../../etc/passwd", NULL);
    add("d/same", '1', "0000644", 0, "./d/a", NULL);
    add("d/set", '0', "0006755", 2, "", "xx");
    file("\xff\xfe", "");
    file("d/a", "again");
    end();
    pack();
    read_packed();
    stage_expect(&stage, "folder d 750" M "\nfile d/a 644" M " 5 hello\nlink d/up 777" M
                         " -> ../../../etc/passwd\nsame d/same 644" M " -> d/a\nfile d/set 755" M
                         " 2 xx\nfile \xff\xfe 644" M " 0 \nfile d/a 644" M " 5 again\nend 0\n");
}

/* Names of any length and with any letters, as Python's tarfile and GNU's tar write them. */
static void test_long_names(void **state)
{
    char record[400], name[300], expected[700];

    (void)state;
    memset(name, 'n', 250);
    snprintf(name + 250, 50, "/r\xc3\xa4t");
    int len = snprintf(record, sizeof record, "%u path=%s\n", (unsigned)(10 + strlen(name)), name);
    assert_int_equal(len, 10 + strlen(name));
    add("PaxHeader", 'x', "0000644", (uint64_t)len, "", record);
    file("short", "1");
    name[249] = 'g';
    add("././@LongLink", 'L', "0000644", strlen(name) + 1, "", name);
    file("short", "2");
    end();
    pack();
    read_packed();
    name[249] = 'n';
    int at = snprintf(expected, sizeof expected, "file %s 644" M " 1 1\n", name);
    name[249] = 'g';
    snprintf(expected + at, sizeof expected - (size_t)at, "file %s 644" M " 1 2\nend 0\n", name);
    stage_expect(&stage, expected);
}

/* Some programs write members of gzip one after the other. */
static void test_members(void **state)
{
    (void)state;
    file("a", "1");
    pack();
    file("b", "2");
    end();
    pack();
    read_packed();
    stage_expect(&stage, "file a 644" M " 1 1\nfile b 644" M " 1 2\nend 0\n");
}

static void test_refused(void **state)
{
    static const struct {
        const char *name;
        char type;
        const char *link, *part;
    } cases[] = {
        {"/etc/passwd", '0', "", "not a relative path"},
        {"../a", '0', "", "not a relative path"},
        {"a/../b", '0', "", "not a relative path"},
        {"a//b", '0', "", "not a relative path"},
        {"a/./b", '0', "", "not a relative path"},
        {"..", '5', "", "not a relative path"},
        {"tty", '3', "", "not a file"},
        {"disk", '4', "", "not a file"},
        {"pipe", '6', "", "not a file"},
        {"hard", '1', "/etc/passwd", "\"/etc/passwd\" is not a relative path"},
        {"hard", '1', "../x", "not a relative path"},
        {"hard", '1', "./", "hard link to nothing"},
        {"link", '2', "", "link to nothing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        file("good", "1");
        add(cases[i].name, cases[i].type, "0000644", 0, cases[i].link, NULL);
        end();
        pack();
        read_packed();
        stage_expect_error(&stage, ERROR_INVALID, cases[i].part);
    }
}

static void test_broken(void **state)
{
    (void)state;
    file("a", "hello");
    end();
    pack();
    char *data = malloc(packed.len);
    size_t len = packed.len;
    memcpy(data, packed.data, len);
    for (size_t cut = 1; cut < len; cut++) {
        stage_read_spool(&stage, data, cut);
        stage_expect_error(&stage, ERROR_INVALID, "broken");
    }
    for (size_t i = 0; i < len; i++) {
        data[i] ^= 1;
        stage_read_spool(&stage, data, len);
        if (stage.error.code == ERROR_NONE) /* the header of gzip has bytes that mean nothing */
            stage_expect(&stage, "file a 644" M " 5 hello\nend 0\n");
        data[i] ^= 1;
    }
    free(data);
    stage_read_spool(&stage, "this is no archive", 18);
    stage_expect_error(&stage, ERROR_INVALID, "broken");
    stage_read_spool(&stage, "", 0);
    stage_expect_error(&stage, ERROR_INVALID, "empty");
    buf_puts(&tar, "this is no tar");
    buf_reset(&packed);
    pack();
    read_packed();
    stage_expect_error(&stage, ERROR_INVALID, "broken");
}

/* Nothing of a bomb is written to anywhere, and it ends as soon as it is known. */
static void test_bombs(void **state)
{
    static char zeros[65536];

    (void)state;
    stage.limit_bytes = 1000000;
    stage.limit_entries = 10;
    add("big", '0', "0000644", 1000001, "", NULL);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_append(&tar, zeros, sizeof zeros), 0);
    pack();
    read_packed();
    stage_expect_error(&stage, ERROR_TOO_LARGE, "at most 1000000 bytes");
    for (int i = 0; i < 11; i++) {
        char name[16];

        snprintf(name, sizeof name, "f%d", i);
        file(name, "");
    }
    pack();
    read_packed();
    stage_expect_error(&stage, ERROR_TOO_LARGE, "at most 10 files");
    add("huge", '0', "0000644", 077777777777u, "", NULL);
    pack();
    read_packed();
    stage_expect_error(&stage, ERROR_TOO_LARGE, "at most 1000000 bytes");
    file("a", "1");
    end();
    for (int i = 0; i < 100; i++) /* behind the end */
        assert_int_equal(buf_append(&tar, zeros, sizeof zeros), 0);
    pack();
    read_packed();
    stage_expect_error(&stage, ERROR_INVALID, "behind its end");
    for (int i = 0; i < 60; i++) /* headers of headers */
        add("PaxHeader", 'g', "0000644", sizeof zeros, "", zeros);
    pack();
    read_packed();
    stage_expect_error(&stage, ERROR_INVALID, "broken");
}

/* What a client gets, it can give back. */
static void test_gzip(void **state)
{
    struct buf stream, given;

    (void)state;
    buf_init(&stream, (size_t)64 << 20);
    buf_init(&given, (size_t)64 << 20);
    entries_file(&stream, "a", 0755, "hello", 5);
    entries_entry(&stream, ENTRY_DIRECTORY, "b", NULL);
    entries_entry(&stream, ENTRY_LINK, "b/link", "/etc/passwd");
    entries_entry(&stream, ENTRY_SAME, "b/same", "a");
    entries_file(&stream, "r\xc3\xa4t\n\xff", 0600, "1", 1);
    entries_hole(&stream, "sparse", 30000000);
    entries_end(&stream, FILE_DONE);
    stage_write(&stage, NULL, &stream, 999);
    assert_string_equal(stage.error.text, "");
    assert_int_equal(stage.counts.file_bytes, stage.out.len);
    assert_int_equal(stage_files(&stage), 0);
    assert_int_equal(buf_append(&given, stage.out.data, stage.out.len), 0);
    stage_read_spool(&stage, given.data, given.len);
    assert_string_equal(stage.error.text, "");
    struct buf text;
    buf_init(&text, 4096);
    entries_text(&text, &stage.out);
    assert_non_null(strstr(text.data, "file a 755" M " 5 hello\nfolder b 755" M "\nlink b/link 755" M
                                      " -> /etc/passwd\nsame b/same 755" M " -> a\nfile r\xc3\xa4t\n\xff 600" M
                                      " 1 1\nfile sparse 755" M " 30000003 30000003 bytes "));
    assert_true(stage.out.len < 200000); /* the hole came as holes */
    buf_free(&text);
    buf_free(&stream);
    buf_free(&given);
}

static void on_spooled(void *arg, const struct error *error)
{
    *(enum error_code *)arg = error != NULL ? error->code : ERROR_NONE;
}

static void test_spool_limit(void **state)
{
    enum error_code code = ERROR_INTERNAL;
    struct archive_spool *spool = archive_spool_open(&stage.loop, stage.folder, 10, on_spooled, &code);

    (void)state;
    archive_spool_write(spool, "0123456789", 10);
    uv_run(&stage.loop, UV_RUN_DEFAULT);
    assert_int_equal(code, ERROR_NONE);
    archive_spool_write(spool, "x", 1);
    uv_run(&stage.loop, UV_RUN_DEFAULT);
    assert_int_equal(code, ERROR_TOO_LARGE);
    archive_spool_close(spool);
    uv_run(&stage.loop, UV_RUN_DEFAULT);
    spool = archive_spool_open(&stage.loop, "/none", 10, on_spooled, &code);
    archive_spool_write(spool, "x", 1);
    uv_run(&stage.loop, UV_RUN_DEFAULT);
    assert_int_equal(code, ERROR_UNAVAILABLE);
    archive_spool_close(spool);
    uv_run(&stage.loop, UV_RUN_DEFAULT);
}

/* The owner may leave at any moment, also while a thread works. */
static void test_close(void **state)
{
    static const struct archive_writer_events writing = {NULL, NULL};
    static const struct archive_reader_events reading = {NULL, NULL};
    const struct archive_limits limits = {1000, 10};

    (void)state;
    for (int begun = 0; begun < 2; begun++) {
        struct archive_writer *writer =
            archive_writer_open_file(&stage.loop, stage_path(&stage, "ws"), &limits, &writing, NULL);
        struct archive_reader *reader =
            archive_reader_open_file(&stage.loop, stage_path(&stage, "ws"), &limits, &reading, NULL);

        if (begun == 1) {
            archive_writer_feed(writer, "x", 1);
            archive_reader_next(reader);
        }
        archive_writer_close(writer, NULL);
        archive_reader_close(reader, NULL);
        uv_run(&stage.loop, UV_RUN_DEFAULT);
        assert_int_equal(stage_files(&stage), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_members, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bombs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gzip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spool_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
