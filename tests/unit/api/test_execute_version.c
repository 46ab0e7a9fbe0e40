/* The field `version`: which of a language's versions runs, and the sentence where none does. */
#include "execute_stage.h"

#include "run/workspace.h"

static struct language_version versions[] = {
    {.offered = true, .number = "3.11.2", .reported = "3.11.2"},
    {.offered = true, .number = "3.13.5", .reported = "3.13.5"},
    {.name = (char[]){"pypy"}, .offered = true, .number = "7.3.19", .reported = "pypy-7.3.19"},
    {.number = "2.7.18", .reported = "2.7.18"},
};

static struct language python = {.id = (char[]){"python"},
                                 .name = (char[]){"Python"},
                                 .file = (char[]){"main.py"},
                                 .versions = versions,
                                 .versions_len = 4};

/* What the request's name for the language stands for is versions[usual]. */
static int settle(const char *wanted, size_t usual)
{
    char *field = wanted != NULL ? format("\"version\": \"%s\"", wanted) : NULL;

    python.limits = limits_defaults;
    assert_int_equal(read_with(field != NULL ? field : ""), 0);
    free(field);
    return request_settle(&read_request, &python, &versions[usual], &stage_rules.maxima, &read_error);
}

static void what_runs(void **state)
{
    static const struct {
        const char *wanted;
        size_t usual, expected;
    } cases[] = {
        {NULL, 1, 1},     {NULL, 0, 0},   {NULL, 2, 2},     {"3", 1, 1}, {"3.11", 1, 0},        {">=3.12", 0, 1},
        {"latest", 0, 1}, {"pypy", 1, 2}, {"PyPy-7", 1, 2}, {"7", 2, 2}, {"^3.10 <3.13", 1, 0},
    };

    (void)state;
    versions[3].left_out = "why";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(settle(cases[i].wanted, cases[i].usual), 0);
        assert_ptr_equal(read_request.language, &python);
        assert_ptr_equal(read_request.version, &versions[cases[i].expected]);
        request_free(&read_request);
    }
}

static void none_fits(void **state)
{
    static const struct {
        const char *wanted, *sentence;
    } cases[] = {
        {"3.9", "version: no Python 3.9; there are 3.13.5, 3.11.2, pypy-7.3.19"},
        {">3.13,<3.14", "version: no Python >3.13,<3.14; there are 3.13.5, 3.11.2, pypy-7.3.19"},
        {"2.7", "version: no Python 2.7; there are 3.13.5, 3.11.2, pypy-7.3.19"},
        {"pypy-8", "version: no Python pypy-8; there are 3.13.5, 3.11.2, pypy-7.3.19"},
        {"jython", "version: no Python jython; there are 3.13.5, 3.11.2, pypy-7.3.19"},
    };

    (void)state;
    versions[3].left_out = "why";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(settle(cases[i].wanted, 1), -1);
        assert_int_equal(read_error.code, ERROR_INVALID);
        assert_string_equal(read_error.text, cases[i].sentence);
        request_free(&read_request);
    }
}

/* The engine has not been asked about one yet: it may be that one. */
static void one_may_yet_come(void **state)
{
    (void)state;
    versions[3].left_out = NULL;
    assert_int_equal(settle("2.7", 1), -1);
    assert_int_equal(read_error.code, ERROR_UNAVAILABLE);
    request_free(&read_request);
    assert_int_equal(settle("3", 1), 0);
    request_free(&read_request);
}

/* `evaluate` needs a version that supports it, and a place for its key. */
static void evaluate(void **state)
{
    static char driver[] = "driver", *argv[] = {driver, NULL};
    static const struct {
        size_t usual;
        const char *evaluators, *fields, *sentence;
    } cases[] = {
        {0, "python and javascript do", "\"evaluate\": true",
         "evaluate: Python does not support it; python and javascript do"},
        {2, "python does", "\"evaluate\": true", "evaluate: Python pypy does not support it; python does"},
        {0, NULL, "\"evaluate\": true", "evaluate: Python does not support it"},
        {1, NULL, "\"evaluate\": true", NULL},
        {0, NULL, "\"evaluate\": false", NULL},
        {1, NULL, "\"evaluate\": true, \"files\": [{\"path\": \".codecell-evaluate\", \"content\": \"\"}]",
         "files[0].path: collides with a file of evaluate, .codecell-evaluate"},
        {1, NULL, "\"files\": [{\"path\": \".codecell-evaluate\", \"content\": \"\"}]", NULL},
    };

    (void)state;
    versions[1].evaluate = argv;
    python.limits = limits_defaults;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        python.evaluators = cases[i].evaluators;
        assert_int_equal(read_with(cases[i].fields), 0);
        assert_int_equal(
            request_settle(&read_request, &python, &versions[cases[i].usual], &stage_rules.maxima, &read_error),
            cases[i].sentence != NULL ? -1 : 0);
        if (cases[i].sentence != NULL)
            assert_string_equal(read_error.text, cases[i].sentence);
        request_free(&read_request);
    }
}

/* `kernel` needs a workspace and a version that has one, and then no file can stand in the code's place. */
static void kernel(void **state)
{
    static char driver[] = "driver", *argv[] = {driver, NULL};
    static struct workspace_plan plan;
    static const struct {
        size_t usual;
        bool workspace;
        const char *fields, *sentence;
    } cases[] = {
        {1, false, "\"kernel\": true", "kernel: the session has no workspace"},
        {1, true, "\"kernel\": true", NULL},
        {0, true, "\"kernel\": true", "kernel: Python does not support it; python and javascript do"},
        {2, true, "\"kernel\": true", "kernel: Python pypy does not support it; python and javascript do"},
        {1, true, "\"kernel\": true, \"files\": [{\"path\": \"main.py\", \"content\": \"\"}]", NULL},
        {1, true, "\"files\": [{\"path\": \"main.py\", \"content\": \"\"}]",
         "files[0].path: collides with the program's own file, main.py"},
    };

    (void)state;
    versions[1].kernel = argv;
    python.limits = limits_defaults;
    python.kernels = "python and javascript do";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char fields[256];
        snprintf(fields, sizeof fields, "\"session_id\": \"s\", %s", cases[i].fields);
        assert_int_equal(read_with(fields), 0);
        read_request.workspace = cases[i].workspace ? &plan : NULL;
        assert_int_equal(
            request_settle(&read_request, &python, &versions[cases[i].usual], &stage_rules.maxima, &read_error),
            cases[i].sentence != NULL ? -1 : 0);
        if (cases[i].sentence != NULL)
            assert_string_equal(read_error.text, cases[i].sentence);
        request_free(&read_request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluate),  cmocka_unit_test(kernel),           cmocka_unit_test(what_runs),
        cmocka_unit_test(none_fits), cmocka_unit_test(one_may_yet_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
