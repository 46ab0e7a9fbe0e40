/* Lines from a pipe, what signals do meanwhile, and where the history is. */
#include "client/line.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stage {
    int write_end, old_input;
    struct signals signals;
    struct line_reader *reader;
    struct buf line;
};

/* Standard input becomes a pipe. */
static int set_up(void **state)
{
    static struct stage stage;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    stage.old_input = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    stage.write_end = ends[1];
    assert_int_equal(signals_open(&stage.signals, false), 0);
    stage.reader = line_open("/nonexistent/history", &stage.signals); /* which is not made for a pipe */
    assert_non_null(stage.reader);
    buf_init(&stage.line, 64);
    *state = &stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;

    line_close(stage->reader);
    signals_close(&stage->signals);
    buf_free(&stage->line);
    dup2(stage->old_input, STDIN_FILENO);
    close(stage->old_input);
    return 0;
}

static void give(struct stage *stage, const char *text)
{
    assert_int_equal(write(stage->write_end, text, strlen(text)), (ssize_t)strlen(text));
}

static void wants_line(struct stage *stage, const char *text)
{
    buf_reset(&stage->line);
    assert_int_equal(line_read(stage->reader, "> ", &stage->line), LINE_READ);
    assert_string_equal(stage->line.data, text);
}

static void test_lines(void **state)
{
    struct stage *stage = *state;

    assert_false(line_is_typed(stage->reader));
    give(stage, "one\n\ntwo\nno end");
    close(stage->write_end);
    wants_line(stage, "one\n");
    wants_line(stage, "\n");
    wants_line(stage, "two\n");
    wants_line(stage, "no end\n");
    assert_int_equal(line_read(stage->reader, "> ", &stage->line), LINE_END);
}

static void test_a_line_is_appended(void **state)
{
    struct stage *stage = *state;

    give(stage, "one\ntwo\n");
    wants_line(stage, "one\n");
    assert_int_equal(line_read(stage->reader, "> ", &stage->line), LINE_READ);
    assert_string_equal(stage->line.data, "one\ntwo\n");
    close(stage->write_end);
}

static void test_signals(void **state)
{
    struct stage *stage = *state;

    give(stage, "beg");
    raise(SIGINT);
    assert_int_equal(line_read(stage->reader, "> ", &stage->line), LINE_DROPPED);
    raise(SIGTERM);
    assert_int_equal(line_read(stage->reader, "> ", &stage->line), LINE_SIGNAL);
    assert_int_equal(line_signal(stage->reader), SIGTERM);
    raise(SIGWINCH); /* does nothing here */
    give(stage, "un\n");
    wants_line(stage, "begun\n");
    close(stage->write_end);
}

static void test_a_line_that_is_too_long(void **state)
{
    struct stage *stage = *state;

    give(stage, "0123456789012345678901234567890123456789012345678901234567890123456789\n");
    assert_int_equal(line_read(stage->reader, "> ", &stage->line), LINE_FAILED);
    close(stage->write_end);
}

static void test_history(void **state)
{
    static const struct {
        const char *xdg, *home, *path; /* NULL: not set; there is none */
    } table[] = {
        {"/state", "/home/a", "/state/codecell/x"},
        {NULL, "/home/a", "/home/a/.local/state/codecell/x"},
        {"", "/home/a", "/home/a/.local/state/codecell/x"},
        {"relative", "/h", "/h/.local/state/codecell/x"},
        {NULL, NULL, NULL},
        {NULL, "", NULL},
        {NULL, "/a/home/that/is/too/long/for/the/room", NULL},
    };
    char path[40];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        table[i].xdg != NULL ? setenv("XDG_STATE_HOME", table[i].xdg, 1) : unsetenv("XDG_STATE_HOME");
        table[i].home != NULL ? setenv("HOME", table[i].home, 1) : unsetenv("HOME");
        assert_int_equal(line_history_path("x", path, sizeof path), table[i].path != NULL ? 0 : -1);
        if (table[i].path != NULL)
            assert_string_equal(path, table[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_line_is_appended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_line_that_is_too_long, set_up, tear_down),
        cmocka_unit_test(test_history),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
