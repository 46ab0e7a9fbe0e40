/* Files back: the job that collects, and what the server makes of what comes from the cell, which it does not trust. */
#include "run/outputs.h"
#include "run_stage.h"

static struct execution_request request;
static struct outputs *outputs;
static uint8_t stream[8 * ENTRY_MAX];
static size_t stream_len;

static void open_outputs(const char **patterns)
{
    request = (struct execution_request){
        .language = &c, .version = &c_version, .outputs = patterns, .limits = {.output_kb = 1}};
    outputs = outputs_new(&request);
    assert_non_null(outputs);
    stream_len = 0;
}

static void close_outputs(void)
{
    outputs_free(outputs);
    request_free(&request);
}

static void put_entry(enum entry_content content, const char *path, uint64_t size)
{
    stream_len += entry_put(
        stream + stream_len,
        &(struct entry){.type = ENTRY_FILE, .content = content, .size = size, .path = path, .path_len = strlen(path)});
}

static void put_bytes(const char *bytes)
{
    size_t len = strlen(bytes);

    entry_put_chunk(stream + stream_len, (uint32_t)len);
    for (size_t i = 0; i < len; i++)
        stream[stream_len + ENTRY_CHUNK_HEAD + i] = (uint8_t)bytes[i];
    stream_len += ENTRY_CHUNK_HEAD + len;
}

static void put_end(uint64_t entries, uint64_t bytes, uint64_t marks)
{
    entry_put_end(stream + stream_len, &(struct entry_end){.entries = entries, .bytes = bytes, .marks = marks});
    stream_len += ENTRY_HEAD;
}

/* Takes the stream in pieces of `size` bytes. */
static void take(size_t size, enum cell_outcome outcome)
{
    for (size_t at = 0; at < stream_len; at += size)
        outputs_take(outputs, &request, stream + at, stream_len - at < size ? stream_len - at : size);
    outputs_finish(outputs, &request, outcome);
}

static void expect_file(size_t i, const char *path, const char *bytes)
{
    const struct output_file *file = &outputs->files[i];

    assert_true(i < outputs->files_len);
    assert_string_equal(file->path, path);
    assert_int_equal(file->len, strlen(bytes));
    if (file->len > 0)
        assert_memory_equal(outputs->bytes.data + file->at, bytes, file->len);
}

static void test_job(void **state)
{
    const char *patterns[] = {"*.png", "out/**", NULL};
    const char *wanted[] = {"/codecell/agent", "files", "collect", "4194304", "128", "3", NULL};

    (void)state;
    open_outputs(patterns);
    for (size_t i = 0; wanted[i] != NULL; i++)
        assert_string_equal(outputs->argv[i], wanted[i]);
    assert_string_equal(outputs->argv[6], c.file);
    assert_string_equal(outputs->argv[9], "*.png");
    assert_string_equal(outputs->argv[10], "out/**");
    assert_null(outputs->argv[11]);
    assert_null(outputs->job.compile.argv);
    request.limits.output_kb = 16384;
    assert_int_equal(outputs_most(&request), 64u << 20);
    close_outputs();
}

static void test_files(void **state)
{
    const char *patterns[] = {"*", "none", NULL};

    (void)state;
    for (size_t size = 1; size < 200; size += 7) {
        open_outputs(patterns);
        put_entry(ENTRY_BYTES, "a", 5);
        put_bytes("abc");
        put_bytes("de");
        put_bytes("");
        put_entry(ENTRY_OVER, "b\xff", 99);
        put_entry(ENTRY_UNREADABLE, "c", 1);
        put_entry(ENTRY_BYTES, "d", 0);
        put_bytes("");
        put_end(4, 5, UINT64_C(7) << 32 | 1);
        take(size, CELL_DONE);
        assert_int_equal(outputs->files_len, 2);
        expect_file(0, "a", "abcde");
        expect_file(1, "d", "");
        assert_int_equal(request.warnings_len, 4);
        assert_string_equal(
            request.warnings[0],
            "outputs: \"b\xef\xbf\xbd\" of 99 bytes is left out, because it is over the limit of all files");
        assert_string_equal(request.warnings[1],
                            "outputs: \"c\" of 1 bytes cannot be read, because its mode forbids it");
        assert_string_equal(request.warnings[2], "outputs: nothing matches \"none\"");
        assert_string_equal(request.warnings[3], "outputs: 7 more files match; at most 128 come back");
        close_outputs();
    }
}

/* A stream that ends too early: the files that are whole stay. */
static void test_cut(void **state)
{
    const char *patterns[] = {"*", NULL};

    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        open_outputs(patterns);
        outputs->late = true;
        put_entry(ENTRY_BYTES, "a", 1);
        put_bytes("x");
        put_bytes("");
        put_entry(ENTRY_BYTES, "b", 9);
        put_bytes("half");
        take(1, lost ? CELL_LOST : CELL_DONE);
        assert_int_equal(outputs->files_len, 1);
        expect_file(0, "a", "x");
        assert_int_equal(request.warnings_len, 1);
        assert_non_null(strstr(request.warnings[0], lost ? "the container ended" : "10 seconds"));
        close_outputs();
    }
}

static void expect_broken(void)
{
    take(stream_len, CELL_DONE);
    assert_int_equal(outputs->files_len, 0);
    assert_int_equal(request.warnings_len, 1);
    assert_string_equal(request.warnings[0],
                        "outputs: not all files come back, because the container ended or broke the rules");
    close_outputs();
}

static void test_broken(void **state)
{
    const char *patterns[] = {"*", NULL};

    (void)state;
    open_outputs(patterns);
    put_entry(ENTRY_BYTES, "../a", 1);
    put_bytes("");
    put_end(1, 0, 1);
    expect_broken();
    open_outputs(patterns);
    put_entry(ENTRY_BYTES, "a", 1);
    put_bytes("");
    put_end(2, 0, 1);
    expect_broken();
    open_outputs(patterns);
    outputs->bytes.max = 3; /* more than all files may have */
    put_entry(ENTRY_BYTES, "a", 1);
    put_bytes("abcd");
    put_bytes("");
    put_end(1, 4, 1);
    expect_broken();
    open_outputs(patterns);
    for (size_t i = 0; i <= OUTPUTS_FILES_MAX; i++) {
        put_entry(ENTRY_BYTES, "a", 0);
        put_bytes("");
    }
    put_end(OUTPUTS_FILES_MAX + 1, 0, 1);
    expect_broken();
}

static void test_patterns(void **state)
{
    char deep[126];

    (void)state;
    assert_true(outputs_pattern_ok("a"));
    assert_true(outputs_pattern_ok("**/[!a]*.txt"));
    assert_false(outputs_pattern_ok(""));
    assert_false(outputs_pattern_ok("/a"));
    assert_false(outputs_pattern_ok("a/../b"));
    for (size_t i = 0; i < sizeof deep; i++)
        deep[i] = i % 2 ? '/' : 'a';
    deep[123] = '\0'; /* 62 names */
    assert_true(outputs_pattern_ok(deep));
    deep[123] = '/';
    deep[125] = '\0';
    assert_false(outputs_pattern_ok(deep));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_job),    cmocka_unit_test(test_files),    cmocka_unit_test(test_cut),
        cmocka_unit_test(test_broken), cmocka_unit_test(test_patterns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
