/* `files` of a request: paths, contents, sizes. */
#include "execute_stage.h"

#include "api/execute_files.h"
#include "run/request_path.h"

#define PATH_SENTENCE "must be a relative path of at most 1024 bytes, without empty segments, '.' or '..'"

static void test_paths(void **state)
{
    static const struct {
        const char *path;
        bool safe;
    } cases[] = {
        {"a", true},        {"a.txt", true},     {"a/b/c", true},      {".hidden", true}, {"...", true},
        {"..a", true},      {"a..", true},       {"a/...", true},      {" ", true},       {"\xc3\xa9", true},
        {"a\\..\\b", true}, {"-rf", true},       {"", false},          {"/", false},      {"/etc/passwd", false},
        {".", false},       {"..", false},       {"./a", false},       {"../a", false},   {"a/.", false},
        {"a/..", false},    {"a/./b", false},    {"a/../../b", false}, {"a//b", false},   {"a/", false},
        {"//", false},      {"a/b/../c", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (request_path_is_safe(cases[i].path) != cases[i].safe)
            fail_msg("%s", cases[i].path);
}

static void test_lengths_of_paths(void **state)
{
    char *segment = repeated("s", 255), *longer = repeated("s", 256), *folder = format("d/%s", segment),
         *bad = format("d/%s/f", longer), *most = repeated("a/", 512), *over = repeated("a/", 513);

    (void)state;
    assert_true(request_path_is_safe(segment));
    assert_false(request_path_is_safe(longer));
    assert_true(request_path_is_safe(folder));
    assert_false(request_path_is_safe(bad));
    most[1023] = 'b'; /* 1024 bytes: the last segment has two */
    assert_true(request_path_is_safe(most));
    over[1025] = '\0';
    assert_int_equal(strlen(over), 1025);
    assert_false(request_path_is_safe(over));
    free(segment), free(longer), free(folder), free(bad), free(most), free(over);
}

static void test_collisions(void **state)
{
    static const struct {
        const char *a, *b;
        bool collide;
    } cases[] = {
        {"a", "a", true},  {"a", "a/b", true},     {"a/b/c", "a", true},  {"a/b", "a/b/c", true},
        {"a", "b", false}, {"a", "ab", false},     {"a/b", "a/c", false}, {"a.b", "a/b", false},
        {"a", "A", false}, {"a/b", "a/bc", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(request_path_collides(cases[i].a, cases[i].b), cases[i].collide);
        assert_int_equal(request_path_collides(cases[i].b, cases[i].a), cases[i].collide);
    }
}

static void test_contents(void **state)
{
    (void)state;
    assert_int_equal(read_with("\"files\": [{\"path\": \"d/a\", \"content\": \"x\\u0000\\u00e9\"},"
                               "{\"path\": \"b\", \"content\": \"AAH/\", \"encoding\": \"base64\"},"
                               "{\"path\": \"c\", \"content\": \"\", \"encoding\": \"utf8\"},"
                               "{\"path\": \"e\", \"content\": \"\", \"encoding\": null, \"mode\": 7}]"),
                     0);
    assert_int_equal(read_request.files_len, 4);
    assert_string_equal(read_request.files[0].path, "d/a");
    assert_int_equal(read_request.files[0].len, 4);
    assert_memory_equal(read_request.files[0].data, "x\0\xc3\xa9", 4);
    assert_int_equal(read_request.files[0].kind, REQUEST_FILE_TEXT);
    assert_int_equal(read_request.files[1].kind, REQUEST_FILE_BINARY);
    assert_int_equal(read_request.files[1].len, 3);
    assert_memory_equal(read_request.files[1].data, "\0\1\xff", 3);
    assert_int_equal(read_request.files[2].len, 0);
    assert_int_equal(read_request.warnings_len, 1);
    assert_string_equal(read_request.warnings[0], "unknown field: files[3].mode");
    request_free(&read_request);
    expect_accepted("\"files\": []");
}

static void test_refusals(void **state)
{
    static const struct {
        const char *files, *sentence;
    } cases[] = {
        {"{}", "files: must be an array of at most 128 objects"},
        {"\"a\"", "files: must be an array of at most 128 objects"},
        {"[1]", "files[0]: must be an object of path, content and encoding"},
        {"[null]", "files[0]: must be an object of path, content and encoding"},
        {"[{}]", "files[0].path: is required"},
        {"[{\"path\": 1, \"content\": \"\"}]", "files[0].path: " PATH_SENTENCE},
        {"[{\"path\": null, \"content\": \"\"}]", "files[0].path: is required"},
        {"[{\"path\": \"\", \"content\": \"\"}]", "files[0].path: " PATH_SENTENCE},
        {"[{\"path\": \"a\\u0000b\", \"content\": \"\"}]", "files[0].path: " PATH_SENTENCE},
        {"[{\"path\": \"../a\", \"content\": \"\"}]", "files[0].path: " PATH_SENTENCE},
        {"[{\"path\": \"/a\", \"content\": \"\"}]", "files[0].path: " PATH_SENTENCE},
        {"[{\"path\": \"a\"}]", "files[0].content: is required"},
        {"[{\"path\": \"a\", \"content\": null}]", "files[0].content: is required"},
        {"[{\"path\": \"a\", \"content\": 1}]", "files[0].content: must be a string"},
        {"[{\"path\": \"a\", \"content\": \"\", \"encoding\": \"utf-8\"}]",
         "files[0].encoding: must be \"utf8\" or \"base64\""},
        {"[{\"path\": \"a\", \"content\": \"\", \"encoding\": 1}]",
         "files[0].encoding: must be \"utf8\" or \"base64\""},
        {"[{\"path\": \"a\", \"content\": \"A\", \"encoding\": \"base64\"}]",
         "files[0].content: must be base64 with padding (RFC 4648, section 4)"},
        {"[{\"path\": \"a\", \"content\": \"AA==\\n\", \"encoding\": \"base64\"}]",
         "files[0].content: must be base64 with padding (RFC 4648, section 4)"},
        {"[{\"path\": \"a\", \"content\": \"\"}, {\"path\": \"a\", \"content\": \"\"}]",
         "files[1].path: collides with files[0].path"},
        {"[{\"path\": \"a/b\", \"content\": \"\"}, {\"path\": \"c\", \"content\": \"\"}, {\"path\": \"a\", "
         "\"content\": "
         "\"\"}]",
         "files[2].path: collides with files[0].path"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *more = format("\"files\": %s", cases[i].files);
        expect_refused(more, cases[i].sentence);
        free(more);
    }
}

static char *many_files(size_t count)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%s{\"path\": \"f%zu\", \"content\": \"c\"}", i > 0 ? ", " : "\"files\": [", i);
    buf_puts(&out, "]");
    return buf_detach(&out, NULL);
}

static void test_how_many(void **state)
{
    char *most = many_files(EXECUTE_FILES_MAX), *over = many_files(EXECUTE_FILES_MAX + 1);

    (void)state;
    expect_accepted(most);
    expect_refused(over, "files: must be an array of at most 128 objects");
    free(most), free(over);
}

static void test_how_large(void **state)
{
    char *half = repeated("x", EXECUTE_FILES_BYTES / 2), *more = NULL;

    (void)state;
    for (int over = 0; over < 2; over++) {
        assert_true(asprintf(&more,
                             "\"files\": [{\"path\": \"a\", \"content\": \"%s\"}, {\"path\": \"b\", \"content\": "
                             "\"%s\"}, {\"path\": \"c\", \"content\": \"%s\"}]",
                             half, half, over ? "!" : "") > 0);
        if (over)
            expect_refused(more, "files: must be at most 10485760 bytes in all");
        else
            expect_accepted(more);
        free(more);
    }
    free(half);
}

/* What depends on the language. */
static void test_settle(void **state)
{
    struct language_version version = {
        .offered = true, .number = "3", .reported = "3", .least = {.cell = {.processes = 9}}};
    struct language language = {
        .id = "python",
        .name = "Python",
        .versions = &version,
        .versions_len = 1,
        .file = "main.py",
        .limits = {.cell = {.milli_cpus = 1500, .memory_mb = 64, .disk_mb = 1, .processes = 9}, .output_kb = 77}};
    char *megabyte = repeated("x", (1 << 20) - 1),
         *full = format("\"files\": [{\"path\": \"a\", \"content\": \"%s\"}]", megabyte),
         *over = format("\"files\": [{\"path\": \"a\", \"content\": \"%s!\"}]", megabyte);

    (void)state;
    assert_int_equal(read_with("\"limits\": {\"processes\": 10, \"memory_mb\": null}"), 0);
    assert_int_equal(request_settle(&read_request, &language, &version, &stage_rules.maxima, &read_error), 0);
    assert_ptr_equal(read_request.language, &language);
    assert_ptr_equal(read_request.version, &version);
    assert_int_equal(read_request.limits.cell.processes, 10);
    assert_int_equal(read_request.limits.cell.memory_mb, 64);
    assert_int_equal(read_request.limits.cell.milli_cpus, 1500);
    assert_int_equal(read_request.limits.output_kb, 77);
    request_free(&read_request);

    assert_int_equal(read_with("\"limits\": {\"processes\": 8}"), 0);
    assert_int_equal(request_settle(&read_request, &language, &version, &stage_rules.maxima, &read_error), -1);
    assert_int_equal(read_error.code, ERROR_INVALID);
    assert_string_equal(read_error.text, "limits.processes: Python needs at least 9");
    request_free(&read_request);

    assert_int_equal(
        read_with("\"files\": [{\"path\": \"x\", \"content\": \"\"}, {\"path\": \"main.py\", \"content\": \"\"}]"), 0);
    assert_int_equal(request_settle(&read_request, &language, &version, &stage_rules.maxima, &read_error), -1);
    assert_string_equal(read_error.text, "files[1].path: collides with the program's own file, main.py");
    request_free(&read_request);

    assert_int_equal(read_with(full), 0); /* with one byte of code: 1 MiB */
    assert_int_equal(request_settle(&read_request, &language, &version, &stage_rules.maxima, &read_error), 0);
    request_free(&read_request);
    assert_int_equal(read_with(over), 0);
    assert_int_equal(request_settle(&read_request, &language, &version, &stage_rules.maxima, &read_error), -1);
    assert_int_equal(read_error.code, ERROR_INVALID);
    assert_string_equal(read_error.text, "limits.disk_mb: the code and the files do not fit into 1 MiB");
    request_free(&read_request);
    free(megabyte), free(full), free(over);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),     cmocka_unit_test(test_lengths_of_paths), cmocka_unit_test(test_collisions),
        cmocka_unit_test(test_contents),  cmocka_unit_test(test_refusals),         cmocka_unit_test(test_how_many),
        cmocka_unit_test(test_how_large), cmocka_unit_test(test_settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
