/* The table of a cell's states: each legal move is taken, each other one stops the program. */
#include "cell_stage.h"

#include <sys/wait.h>

/* An argument that fits in no frame: what cannot be sent needs no stream. */
static char too_long[FRAME_PAYLOAD_MAX + 1];
static const char *const too_long_argv[] = {too_long, NULL};
static const struct cell_kind too_long_kind = {
    .language = "python", .prewarm_env = stage_prewarm_env, .prewarm_argv = too_long_argv};

static const char *const legal[CELL_STATES] = {
    [CELL_CREATING] = "",
    [CELL_ATTACHING] = "creating ",
    [CELL_STARTING] = "attaching ",
    [CELL_READY] = "starting resetting ",
    [CELL_UPDATING] = "ready running ",
    [CELL_RUNNING] = "ready updating ",
    [CELL_RESETTING] = "ready running ",
    [CELL_ENDING] = "creating attaching starting ready updating running resetting ",
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

/* Whether a child that does it to the cell lives on. */
static bool may(struct cell *cell, void (*act)(struct cell *cell))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        uv_loop_t loop;
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL || uv_loop_init(&loop) != 0)
            _exit(2);
        uv_timer_init(&loop, &cell->timer);
        act(cell);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
    return WIFEXITED(status);
}

static void act_run(struct cell *cell)
{
    cell_run(cell, &stage_job, &stage_kind.limits, &stage_events, NULL);
}

/* A job is for a ready cell, or for one whose job is over, with the disk that it has if it makes no capsules. */
static bool runs(enum cell_state in, uint32_t disk_mb)
{
    struct cell cell = {.state = in, .limits = stage_kind.limits};

    cell.limits.disk_mb = disk_mb;
    return may(&cell, act_run);
}

static void test_who_may_run(void **state)
{
    (void)state;
    for (int in = 0; in < CELL_STATES; in++)
        assert_int_equal(runs((enum cell_state)in, stage_kind.limits.disk_mb), in == CELL_READY || in == CELL_RUNNING);
    assert_false(runs(CELL_READY, stage_kind.limits.disk_mb + 1));
}

/* An interpreter is started in a ready cell of a language that has one, once. */
static void test_who_may_prepare(void **state)
{
    static const struct cell_kind plain = {.language = "c"};

    (void)state;
    memset(too_long, 'x', sizeof too_long - 1);
    for (int in = 0; in < CELL_STATES; in++)
        for (int waiting = CELL_BLANK; waiting <= CELL_NOT_PREWARMED; waiting++) {
            struct cell cell = {
                .state = (enum cell_state)in, .warmth = (enum cell_warmth)waiting, .kind = &too_long_kind};
            assert_int_equal(may(&cell, cell_prewarm), in == CELL_READY && waiting == CELL_BLANK);
        }
    assert_false(may(&(struct cell){.state = CELL_READY, .kind = &plain}, cell_prewarm));
}

/* Reset is a cell whose job is over, and well, or that has none. */
static void test_who_may_reset(void **state)
{
    (void)state;
    for (int in = 0; in < CELL_STATES; in++)
        assert_int_equal(may(&(struct cell){.state = (enum cell_state)in, .capsules = true}, cell_reset),
                         in == CELL_RUNNING || in == CELL_READY);
    for (int outcome = CELL_DONE; outcome <= CELL_LOST; outcome++)
        assert_int_equal(
            may(&(struct cell){.state = CELL_RUNNING, .capsules = true, .outcome = (enum cell_outcome)outcome},
                cell_reset),
            outcome == CELL_DONE);
    assert_false(may(&(struct cell){.state = CELL_RUNNING, .capsules = true, .events = &stage_events}, cell_reset));
    assert_false(may(&(struct cell){.state = CELL_RUNNING}, cell_reset)); /* no keeper makes another capsule */
    assert_false(may(&(struct cell){.state = CELL_READY}, cell_reset));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_who_may_run),
        cmocka_unit_test(test_who_may_prepare),
        cmocka_unit_test(test_who_may_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
