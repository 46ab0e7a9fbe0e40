/* The stream of entries: what its writer writes its reader reads, in pieces of any size, and nothing else passes. */
#include "unit.h"

#include "docker/wire/entry.h"

#include <string.h>

static uint8_t stream[8 * ENTRY_MAX];
static size_t stream_len;

static void put_entry(struct entry entry)
{
    stream_len += entry_put(stream + stream_len, &entry);
}

static void put_chunk(const char *bytes)
{
    uint32_t len = (uint32_t)strlen(bytes);
    entry_put_chunk(stream + stream_len, len);
    for (size_t i = 0; i < len; i++)
        stream[stream_len + ENTRY_CHUNK_HEAD + i] = (uint8_t)bytes[i];
    stream_len += ENTRY_CHUNK_HEAD + len;
}

static void put_end(struct entry_end end)
{
    entry_put_end(stream + stream_len, &end);
    stream_len += ENTRY_HEAD;
}

static struct entry named(enum entry_type type, const char *path)
{
    return (struct entry){.type = type, .mode = 0644, .path = path, .path_len = strlen(path)};
}

static struct entry linked(const char *path, const char *target)
{
    struct entry entry = named(ENTRY_LINK, path);
    entry.target = target;
    entry.target_len = strlen(target);
    return entry;
}

/* A file of 6 bytes, which comes in two chunks, an empty one, and what has no content. */
static void put_sample(void)
{
    struct entry file = named(ENTRY_FILE, "a/b\n.txt"), empty = named(ENTRY_FILE, "empty"),
                 over = named(ENTRY_FILE, "over");
    stream_len = 0;
    file.content = empty.content = ENTRY_BYTES;
    file.size = 6;
    file.mtime_ns = -1;
    over.content = ENTRY_OVER;
    over.size = INT64_MAX;
    put_entry(file);
    put_chunk("abcd");
    put_chunk("ef");
    put_chunk("");
    put_entry(empty);
    put_chunk("");
    put_entry(named(ENTRY_DIRECTORY, "folder"));
    put_entry(linked("link", "/etc/passwd"));
    put_entry(over);
    put_end((struct entry_end){.exit = FILE_DONE, .entries = 5, .bytes = 6, .marks = 0x8000000000000001u});
}

/* What a reader meets, as a text. */
struct trace {
    char text[4096];
    size_t len;
    bool ended;
    struct entry_end end;
};

static void trace_add(struct trace *trace, const char *bytes, size_t len)
{
    assert_true(len < sizeof trace->text - trace->len);
    memcpy(trace->text + trace->len, bytes, len);
    trace->len += len;
    trace->text[trace->len] = '\0';
}

static void trace_event(struct trace *trace, enum entry_event event, const struct entry_piece *piece)
{
    static const char *const types = " fdlo", *const contents = "-+!?";
    if (event == ENTRY_NEXT) {
        trace_add(trace, types + piece->entry.type, 1);
        trace_add(trace, contents + piece->entry.content, 1);
        trace_add(trace, piece->entry.path, piece->entry.path_len);
        trace_add(trace, ">", piece->entry.target_len > 0);
        trace_add(trace, piece->entry.target, piece->entry.target_len);
        trace_add(trace, "[", piece->entry.content == ENTRY_BYTES);
    } else if (event == ENTRY_DATA) {
        trace_add(trace, (const char *)piece->data, piece->data_len);
    } else if (event == ENTRY_DATA_END) {
        trace_add(trace, "]", 1);
    } else if (event == ENTRY_STREAM_END) {
        trace->ended = true;
        trace->end = piece->end;
        trace_add(trace, ".", 1);
    }
}

/* Reads the stream in pieces of `size` bytes. False: it is broken. */
static bool read_stream(size_t size, struct trace *trace)
{
    static struct entry_reader reader;
    memset(&reader, 0, sizeof reader);
    *trace = (struct trace){.len = 0};
    for (size_t at = 0; at < stream_len; at += size) {
        const uint8_t *data = stream + at;
        size_t len = stream_len - at < size ? stream_len - at : size;
        struct entry_piece piece;
        enum entry_event event;
        while ((event = entry_read(&reader, &data, &len, &piece)) != ENTRY_MORE) {
            if (event == ENTRY_BROKEN)
                return false;
            trace_event(trace, event, &piece);
        }
        assert_int_equal(len, 0);
    }
    return true;
}

static void test_round_trip(void **state)
{
    static struct trace trace;
    (void)state;
    put_sample();
    for (size_t size = 1; size <= stream_len; size++) {
        assert_true(read_stream(size, &trace));
        assert_string_equal(trace.text, "f+a/b\n.txt[abcdef]f+empty[]d-folderl-link>/etc/passwdf!over.");
        assert_int_equal(trace.end.marks, 0x8000000000000001u);
        assert_int_equal(trace.end.bytes, 6);
    }
}

static void test_layout(void **state)
{
    uint8_t bytes[ENTRY_MAX];
    struct entry entry = linked("p", "tt");
    (void)state;
    entry.mode = 0755;
    entry.size = 0x0102030405060708u;
    entry.mtime_ns = -2;
    assert_int_equal(entry_put(bytes, &entry), ENTRY_HEAD + 3);
    assert_memory_equal(bytes,
                        ((uint8_t[]){3,    0,    0,    0,    0xed, 1,    0, 0, 8, 7, 6, 5, 4, 3, 2,   1,   0xfe, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 2, 0, 0, 0, 'p', 't', 't'}),
                        ENTRY_HEAD + 3);
}

/* Every prefix of a stream is a stream that was cut: no error, and no end. */
static void test_cut(void **state)
{
    static struct trace trace;
    (void)state;
    put_sample();
    for (size_t whole = stream_len; stream_len > 0; stream_len--) {
        assert_true(read_stream(stream_len, &trace));
        assert_int_equal(trace.ended, stream_len == whole);
    }
}

/* Puts `value` at `at`, in a stream of one file and its end. */
static bool reads_with(size_t at, uint8_t value)
{
    static struct trace trace;
    struct entry file = named(ENTRY_FILE, "name");
    stream_len = 0;
    file.content = ENTRY_BYTES;
    put_entry(file);
    put_chunk("x");
    put_chunk("");
    put_end((struct entry_end){.entries = 1, .bytes = 1});
    stream[at] = value;
    return read_stream(7, &trace);
}

static void test_broken(void **state)
{
    enum { NAME = ENTRY_HEAD, CHUNK = NAME + 4, END = CHUNK + 4 + 1 + 4 };
    (void)state;
    assert_true(reads_with(0, ENTRY_FILE));
    assert_true(reads_with(4, 0xff)); /* mode 0777 */
    assert_false(reads_with(0, 0));
    assert_false(reads_with(0, 6));
    assert_false(reads_with(0, ENTRY_DIRECTORY)); /* which has no bytes */
    assert_false(reads_with(0, ENTRY_LINK));      /* without a target */
    assert_false(reads_with(1, 4));
    assert_false(reads_with(2, 1));
    assert_false(reads_with(5, 0x10));  /* mode 010644 */
    assert_false(reads_with(15, 0x80)); /* size 2^63 */
    assert_false(reads_with(24, 0));    /* no path */
    assert_false(reads_with(26, 1));    /* a path of 64 KiB and more */
    assert_false(reads_with(28, 1));    /* a target, and no link */
    assert_false(reads_with(NAME, '/'));
    assert_false(reads_with(NAME + 1, '\0'));
    assert_false(reads_with(CHUNK + 2, 1)); /* a chunk of 64 KiB and a byte */
    assert_false(reads_with(END + 1, 1));
    assert_false(reads_with(END + 8, 2));  /* entries */
    assert_false(reads_with(END + 16, 2)); /* bytes */
}

static void test_paths(void **state)
{
    static struct trace trace;
    static const char *const bad[] = {"/a", "..", "a/../b", "a//b", "a/", "./a", "."};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        stream_len = 0;
        put_entry(named(ENTRY_OTHER, bad[i]));
        assert_false(read_stream(stream_len, &trace));
    }
}

static void test_after_end(void **state)
{
    static struct trace trace;
    (void)state;
    put_sample();
    stream[stream_len++] = 0;
    for (size_t size = 1; size <= stream_len; size++)
        assert_false(read_stream(size, &trace));
}

static void test_stays_broken(void **state)
{
    static struct entry_reader reader;
    struct entry_piece piece;
    const uint8_t *data = stream;
    size_t len = ENTRY_HEAD;
    (void)state;
    memset(stream, 0xff, ENTRY_HEAD);
    assert_int_equal(entry_read(&reader, &data, &len, &piece), ENTRY_BROKEN);
    put_sample();
    data = stream;
    len = stream_len;
    assert_int_equal(entry_read(&reader, &data, &len, &piece), ENTRY_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_layout), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_broken),       cmocka_unit_test(test_paths),  cmocka_unit_test(test_after_end),
        cmocka_unit_test(test_stays_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
