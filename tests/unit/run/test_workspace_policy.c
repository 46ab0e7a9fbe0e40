/* What a workspace does next: a table of views, and walks of time. */
#include "run/workspace_policy.h"

#include "unit.h"

#define S UINT64_C(1000000000)
#define IDLE (300 * S)

static enum workspace_step next_at(const struct workspace_view *view, uint64_t now, uint64_t *when)
{
    return workspace_next(view, now, when);
}

static enum workspace_step step_of(struct workspace_view view)
{
    uint64_t when;

    view.idle_ns = IDLE;
    return next_at(&view, 10 * S, &when);
}

static void test_asleep(void **state)
{
    (void)state;
    for (enum workspace_state of = WORKSPACE_ASLEEP; of <= WORKSPACE_LOST; of += WORKSPACE_LOST) {
        assert_int_equal(step_of((struct workspace_view){.state = of}), WORKSPACE_FORGET);
        assert_int_equal(step_of((struct workspace_view){.state = of, .writing = true}), WORKSPACE_STAY);
        assert_int_equal(step_of((struct workspace_view){.state = of, .used = true}), WORKSPACE_STAY);
        assert_int_equal(step_of((struct workspace_view){.state = of, .used = true, .wanted = true}), WORKSPACE_WAKE);
    }
}

static void test_at_work(void **state)
{
    static const enum workspace_state at_work[] = {WORKSPACE_WAKING, WORKSPACE_BUSY, WORKSPACE_SAVING};

    (void)state;
    for (size_t i = 0; i < sizeof at_work / sizeof *at_work; i++)
        assert_int_equal(step_of((struct workspace_view){.state = at_work[i],
                                                         .used = true,
                                                         .wanted = true,
                                                         .changes = true,
                                                         .dirty = true,
                                                         .changed = true,
                                                         .owed = true,
                                                         .ending = true}),
                         WORKSPACE_STAY);
}

/* A clean workspace serves at once, sleeps after its idle time, and moves by sleeping. */
static void test_clean(void **state)
{
    struct workspace_view view = {.state = WORKSPACE_READY, .used_ns = 10 * S, .idle_ns = IDLE};
    uint64_t when;

    (void)state;
    assert_int_equal(next_at(&view, 10 * S, &when), WORKSPACE_STAY);
    assert_int_equal(when, 310 * S);
    assert_int_equal(next_at(&view, 310 * S, &when), WORKSPACE_SLEEP);
    view.used = true; /* somebody has the turn, and waits for a slot */
    assert_int_equal(next_at(&view, 400 * S, &when), WORKSPACE_STAY);
    assert_int_equal(when, 0);
    view.wanted = view.changes = true;
    assert_int_equal(next_at(&view, 400 * S, &when), WORKSPACE_SERVE);
    view.moves = true;
    assert_int_equal(next_at(&view, 400 * S, &when), WORKSPACE_SLEEP);
    assert_int_equal(step_of((struct workspace_view){.state = WORKSPACE_READY, .pressed = true}), WORKSPACE_SLEEP);
    assert_int_equal(step_of((struct workspace_view){.state = WORKSPACE_READY, .ending = true}), WORKSPACE_SLEEP);
}

/* What changed is saved a second later, or before the next change. A reader need not wait. */
static void test_dirty(void **state)
{
    struct workspace_view view = {.state = WORKSPACE_READY,
                                  .dirty = true,
                                  .changed = true,
                                  .since_ns = 10 * S,
                                  .dirty_ns = 10 * S,
                                  .used_ns = 10 * S,
                                  .idle_ns = IDLE};
    uint64_t when;

    (void)state;
    assert_int_equal(next_at(&view, 10 * S, &when), WORKSPACE_STAY);
    assert_int_equal(when, 11 * S);
    assert_int_equal(next_at(&view, 11 * S, &when), WORKSPACE_SAVE);
    view.used = view.wanted = true;
    assert_int_equal(next_at(&view, 10 * S, &when), WORKSPACE_SERVE);
    view.changes = true;
    assert_int_equal(next_at(&view, 10 * S, &when), WORKSPACE_SAVE);
    view.used = view.wanted = view.changes = false;
    view.owed = true;
    assert_int_equal(next_at(&view, 10 * S, &when), WORKSPACE_SAVE);
}

/* What the agent has seen unchanged does not keep a use waiting for 4 s; unused, it is saved as any other. */
static void test_dirty_but_unchanged(void **state)
{
    struct workspace_view view = {.state = WORKSPACE_READY,
                                  .dirty = true,
                                  .since_ns = 10 * S,
                                  .dirty_ns = 13 * S,
                                  .used_ns = 13 * S,
                                  .idle_ns = IDLE};
    uint64_t when;

    (void)state;
    assert_int_equal(next_at(&view, 13 * S, &when), WORKSPACE_STAY);
    assert_int_equal(when, 14 * S);
    assert_int_equal(next_at(&view, 14 * S, &when), WORKSPACE_SAVE);
    view.used = view.wanted = view.changes = true;
    assert_int_equal(next_at(&view, 13 * S, &when), WORKSPACE_SERVE);
    assert_int_equal(next_at(&view, 14 * S - 1, &when), WORKSPACE_SERVE);
    assert_int_equal(next_at(&view, 14 * S, &when), WORKSPACE_SAVE);
    view.changed = true;
    assert_int_equal(next_at(&view, 13 * S, &when), WORKSPACE_SAVE);
    view.changed = false;
    view.moves = true;
    assert_int_equal(next_at(&view, 13 * S, &when), WORKSPACE_SAVE);
    view.moves = false;
    view.owed = true;
    assert_int_equal(next_at(&view, 13 * S, &when), WORKSPACE_SAVE);
    view = (struct workspace_view){.state = WORKSPACE_READY, .dirty = true, .pressed = true, .idle_ns = IDLE};
    assert_int_equal(next_at(&view, S / 2, &when), WORKSPACE_SAVE);
}

/* After a save that failed the next one waits. Programs run meanwhile, but the workspace does not sleep. */
static void test_a_save_that_failed(void **state)
{
    struct workspace_view view = {.state = WORKSPACE_READY,
                                  .dirty = true,
                                  .pressed = true,
                                  .ending = true,
                                  .dirty_ns = 10 * S,
                                  .retry_ns = 15 * S,
                                  .idle_ns = IDLE};
    uint64_t when;

    (void)state;
    assert_int_equal(next_at(&view, 11 * S, &when), WORKSPACE_STAY);
    assert_int_equal(when, 15 * S);
    assert_int_equal(next_at(&view, 15 * S, &when), WORKSPACE_SAVE);
    view.used = view.wanted = view.changes = true;
    assert_int_equal(next_at(&view, 11 * S, &when), WORKSPACE_SERVE);
    view.moves = true; /* the other image gets the files only once they are saved */
    assert_int_equal(next_at(&view, 11 * S, &when), WORKSPACE_STAY);
    assert_int_equal(when, 15 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asleep),
        cmocka_unit_test(test_at_work),
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_dirty),
        cmocka_unit_test(test_dirty_but_unchanged),
        cmocka_unit_test(test_a_save_that_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
