#include "base/log.h"
#include "base/states.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum door_state { SHUT, OPEN, GONE, DOOR_STATES };

static const struct states doors = {
    .subject = "door",
    .names = (const char *const[]){"shut", "open", "gone"},
    .next = (const uint32_t[]){[SHUT] = STATE(OPEN) | STATE(GONE), [OPEN] = STATE(SHUT), [GONE] = 0},
    .count = DOOR_STATES,
};

static void test_legal(void **state)
{
    static const bool legal[DOOR_STATES][DOOR_STATES] = {
        [SHUT] = {[OPEN] = true, [GONE] = true}, [OPEN] = {[SHUT] = true}};

    (void)state;
    for (unsigned from = 0; from < DOOR_STATES; from++)
        for (unsigned to = 0; to < DOOR_STATES; to++)
            assert_int_equal(states_legal(&doors, from, to), legal[from][to]);
    assert_false(states_legal(&doors, SHUT, DOOR_STATES));
    assert_false(states_legal(&doors, DOOR_STATES, SHUT));
}

static void test_illegal_stops(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        states_move(&doors, GONE, OPEN, "front");
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static const char *logged(enum log_level least)
{
    static char text[512];
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    log_setup(least, LOG_TEXT, ends[1]);
    states_move(&doors, SHUT, OPEN, "front");
    log_setup(LOG_INFO, LOG_TEXT, STDERR_FILENO);
    close(ends[1]);
    ssize_t len = read(ends[0], text, sizeof text - 1);
    assert_true(len >= 0);
    text[len] = '\0';
    close(ends[0]);
    return text;
}

static void test_moves_are_traced(void **state)
{
    (void)state;
    assert_non_null(
        strstr(logged(LOG_DEBUG), "level=debug event=state.moved subject=door id=front from=shut to=open\n"));
    assert_string_equal(logged(LOG_INFO), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_legal),
        cmocka_unit_test(test_illegal_stops),
        cmocka_unit_test(test_moves_are_traced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
