/* Byte order marks and line ends: what is changed of the code and the files, what stays, and what is told. */
#include "execute_stage.h"

#include <stdio.h>

#include "run/request_text.h"

#define MARK "\xef\xbb\xbf"

static struct language_version version = {.offered = true, .number = "5", .reported = "5"};
static char *aliases[] = {(char[]){"sh"}, (char[]){"shell"}, NULL};
static struct language bash = {.id = (char[]){"bash"},
                               .name = (char[]){"Bash"},
                               .aliases = aliases,
                               .file = (char[]){"main.sh"},
                               .lines_lf = true,
                               .versions = &version,
                               .versions_len = 1};

/* The code and one file as JSON strings; `encoding` too. Returns what request_settle does. */
static int settle(bool lf, const char *code, const char *path, const char *content, const char *encoding)
{
    char *body = NULL;

    assert_true(
        asprintf(&body,
                 "{\"language\": \"bash\", \"code\": \"%s\", \"files\": [{\"path\": \"%s\", \"content\": \"%s\", "
                 "\"encoding\": \"%s\"}]}",
                 code, path, content, encoding) > 0);
    assert_int_equal(read_text(body, strlen(body)), 0);
    free(body);
    bash.lines_lf = lf;
    bash.limits = limits_defaults;
    return request_settle(&read_request, &bash, &version, &stage_rules.maxima, &read_error);
}

static void expect_bytes(const char *got, size_t len, const char *expected)
{
    if (len != strlen(expected) || memcmp(got, expected, len) != 0)
        fail_msg("got '%.*s', expected '%s'", (int)len, got, expected);
}

static void test_marks(void **state)
{
    (void)state;
    assert_int_equal(request_text_mark(MARK "x", 4), 3);
    assert_int_equal(request_text_mark(MARK, 3), 3);
    assert_int_equal(request_text_mark(MARK, 2), 0);
    assert_int_equal(request_text_mark("", 0), 0);
    assert_int_equal(request_text_mark("x" MARK, 4), 0);
    assert_int_equal(request_text_mark("\xfe\xff\0", 3), 0);
}

static void test_lines(void **state)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"", ""},           {"\r", "\r"},           {"\n", "\n"},   {"\r\n", "\n"},   {"a\r\nb\r\n", "a\nb\n"},
        {"a\rb", "a\rb"},   {"\r\r\n", "\r\n"},     {"a\r", "a\r"}, {"\n\r", "\n\r"}, {"\r\n\r\n", "\n\n"},
        {"a\r\nb", "a\nb"}, {"a\r\n\rb", "a\n\rb"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[16];
        snprintf(text, sizeof text, "%s", cases[i].before);
        expect_bytes(text, request_text_lines(text, strlen(text)), cases[i].after);
    }
}

static void test_which_files(void **state)
{
    static const struct {
        const char *path, *text;
        bool always, with_lf; /* in a language that copes with CRLF; in one that does not */
    } cases[] = {
        {"lib.sh", "x", false, true},      {"d.d/lib.SH", "x", false, true}, {"lib.bash", "x", false, true},
        {"a.shell", "x", false, true},     {"data.csv", "x", false, false},  {"sh", "x", false, false},
        {"d.sh/data", "x", false, false},  {"a.", "x", false, false},        {".sh", "x", false, true},
        {"tool", "#!/bin/sh", true, true}, {"a.py", "#!", true, true},       {"tool", "#", false, false},
        {"tool", "", false, false},        {"lib.sh", "", false, true},      {"a.sh.txt", "x", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int lf = 0; lf < 2; lf++) {
            bash.lines_lf = lf;
            bool wants = request_text_wants_lf(&bash, cases[i].path, cases[i].text, strlen(cases[i].text));
            if (wants != (lf ? cases[i].with_lf : cases[i].always))
                fail_msg("%s: %d", cases[i].path, wants);
        }
}

/* `warnings`: in order, NULL last. */
static const struct text_case {
    bool lf;
    const char *code, *path, *content, *encoding;       /* sent, as JSON strings */
    const char *code_then, *content_then, *warnings[5]; /* written */
} cases[] = {
    {true,
     "a\\r\\nb",
     "x.csv",
     "1\\r\\n",
     "utf8",
     "a\nb",
     "1\r\n",
     {"code: it had lines that end with CRLF; they end with LF now"}},
    {false, "a\\r\\nb", "x.sh", "1\\r\\n", "utf8", "a\r\nb", "1\r\n", {NULL}},
    {true,
     "a\\nb",
     "x.sh",
     "1\\r\\n2\\r\\n",
     "utf8",
     "a\nb",
     "1\n2\n",
     {"files[0].path: x.sh had lines that end with CRLF; they end with LF now"}},
    {false,
     "\\ufeffa\\r\\n",
     "t",
     "\\ufeff#!/bin/sh\\r\\nid\\r\\n",
     "utf8",
     "a\r\n",
     "#!/bin/sh\nid\n",
     {"code: it began with a byte order mark, which was taken off",
      "files[0].path: t began with a byte order mark, which was taken off",
      "files[0].path: t had lines that end with CRLF; they end with LF now"}},
    {false,
     "#!/usr/bin/x\\r\\na\\r\\n",
     "t",
     "\\ufeff",
     "utf8",
     "#!/usr/bin/x\na\n",
     "",
     {"code: it had lines that end with CRLF; they end with LF now",
      "files[0].path: t began with a byte order mark, which was taken off"}},
    {true,
     "\\ufeff\\ufeffa\\u0000\\r\\n",
     "t.sh",
     "77u/IyENCg==",
     "base64",
     MARK "a",
     MARK "#!\r\n",
     {"code: it began with a byte order mark, which was taken off",
      "code: it had lines that end with CRLF; they end with LF now"}},
    {true, "a", "b.sh", "a\\rb", "utf8", "a", "a\rb", {NULL}},
};

static void test_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct text_case *each = &cases[i];
        size_t n = 0;

        assert_int_equal(settle(each->lf, each->code, each->path, each->content, each->encoding), 0);
        assert_int_equal(strncmp(read_request.code, each->code_then, strlen(each->code_then)), 0);
        if (strstr(each->code, "u0000") == NULL)
            expect_bytes(read_request.code, read_request.code_len, each->code_then);
        else
            assert_memory_equal(read_request.code, MARK "a\0\n", read_request.code_len);
        expect_bytes(read_request.files[0].data, read_request.files[0].len, each->content_then);
        for (; each->warnings[n] != NULL; n++)
            assert_string_equal(read_request.warnings[n], each->warnings[n]);
        assert_int_equal(read_request.warnings_len, n);
        request_free(&read_request);
    }
}

/* What was sent counts against the limits, the mark among it; nothing but a mark is no program. */
static void test_limits(void **state)
{
    char *most = repeated("x", STAGE_CODE_MAX - 3), *code = format(MARK "%s", most), *path = repeated("p", 255);

    (void)state;
    assert_int_equal(settle(true, code, "a", "", "utf8"), 0);
    assert_int_equal(read_request.code_len, STAGE_CODE_MAX - 3);
    request_free(&read_request);
    assert_int_equal(settle(true, "\\ufeff", "a", "", "utf8"), -1);
    assert_string_equal(read_error.text, "code: must be a string that is not empty");
    request_free(&read_request);
    assert_int_equal(settle(true, "x", path, "\\ufeff", "utf8"), 0); /* a long path is quoted in part */
    assert_int_equal(strlen(read_request.warnings[0]), 165);
    request_free(&read_request);
    free(most), free(code), free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),    cmocka_unit_test(test_lines),  cmocka_unit_test(test_which_files),
        cmocka_unit_test(test_requests), cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
