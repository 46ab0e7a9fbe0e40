/* The table of a cell's states: each legal move is taken, each other one stops the program. */
#include "cell_stage.h"

#include <sys/wait.h>

static const char *const legal[CELL_STATES] = {
    [CELL_CREATING] = "",
    [CELL_ATTACHING] = "creating ",
    [CELL_STARTING] = "attaching ",
    [CELL_READY] = "starting ",
    [CELL_UPDATING] = "ready ",
    [CELL_RUNNING] = "ready updating ",
    [CELL_ENDING] = "creating attaching starting ready updating running ",
    [CELL_GONE] = "ending ",
};

static bool is_legal(enum cell_state from, enum cell_state to)
{
    char word[32];

    snprintf(word, sizeof word, "%s ", cell_state_name(from));
    const char *at = strstr(legal[to], word);
    return at != NULL && (at == legal[to] || at[-1] == ' ');
}

/* Whether a child that makes the move lives on. */
static bool survives(enum cell_state from, enum cell_state to)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct cell cell = {.state = from};
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(2);
        cell_set_state(&cell, to);
        _exit(cell.state == to ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
    return WIFEXITED(status);
}

static void test_moves(void **state)
{
    (void)state;
    for (int from = 0; from < CELL_STATES; from++)
        for (int to = 0; to < CELL_STATES; to++)
            if (survives((enum cell_state)from, (enum cell_state)to) !=
                is_legal((enum cell_state)from, (enum cell_state)to))
                fail_msg("%s to %s", cell_state_name((enum cell_state)from), cell_state_name((enum cell_state)to));
}

/* A job is for a ready cell, with the disk that it has. */
static bool runs(enum cell_state in, uint32_t disk_mb)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct cell cell = {.state = in, .limits = stage_kind.limits};
        struct cell_limits limits = stage_kind.limits;
        uv_loop_t loop;
        signal(SIGABRT, SIG_DFL);
        limits.disk_mb = disk_mb;
        if (freopen("/dev/null", "w", stderr) == NULL || uv_loop_init(&loop) != 0)
            _exit(2);
        uv_timer_init(&loop, &cell.timer);
        cell_run(&cell, &stage_job, &limits, &stage_events, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
    return WIFEXITED(status);
}

static void test_who_may_run(void **state)
{
    (void)state;
    for (int in = 0; in < CELL_STATES; in++)
        assert_int_equal(runs((enum cell_state)in, stage_kind.limits.disk_mb), in == CELL_READY);
    assert_false(runs(CELL_READY, stage_kind.limits.disk_mb + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_moves), cmocka_unit_test(test_who_may_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
