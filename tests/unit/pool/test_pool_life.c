/* The pool's life: its legal moves, its way with and without an engine, and calls that come from within its own. */
#include "pool_stage.h"

#include "docker/pool/pool_private.h"

/* What may follow each state. */
static const char *const legal[POOL_LIVES] = {
    [POOL_AWAY] = "away sweeping giving_up ",
    [POOL_SWEEPING] = "filling away sweeping ending ",
    [POOL_FILLING] = "choosing away sweeping ending ",
    [POOL_CHOOSING] = "trying away sweeping ending ",
    [POOL_TRYING] = "open away sweeping ending ",
    [POOL_OPEN] = "refilling away sweeping ending ",
    [POOL_REFILLING] = "open away sweeping ending ",
    [POOL_ENDING] = "last_sweep giving_up ",
    [POOL_LAST_SWEEP] = "leaving giving_up ",
    [POOL_LEAVING] = "closed ",
    [POOL_GIVING_UP] = "ending closed ",
    [POOL_CLOSED] = "",
};

static bool is_named(const char *words, const char *name)
{
    char word[32];

    snprintf(word, sizeof word, "%s ", name);
    const char *at = strstr(words, word);
    return at != NULL && (at == words || at[-1] == ' ');
}

static void test_moves(void **state)
{
    (void)state;
    assert_int_equal(pool_lives.count, POOL_LIVES);
    for (unsigned from = 0; from < POOL_LIVES; from++)
        for (unsigned to = 0; to < POOL_LIVES; to++)
            if (states_legal(&pool_lives, from, to) != is_named(legal[from], pool_lives.names[to]))
                fail_msg("%s to %s", pool_lives.names[from], pool_lives.names[to]);
}

#define AT(stage, at) sim_until(&(stage)->sim, (stage)->pool->life == (at))

static void test_comes_and_goes(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_idle(&stage);
    assert_int_equal(stage.pool->life, POOL_AWAY);
    stage_connect(&stage);
    assert_int_equal(stage.pool->life, POOL_SWEEPING);
    AT(&stage, POOL_FILLING);
    assert_false(pool_can_make(stage.pool));
    sim_idle(&stage.sim);
    assert_int_equal(stage.pool->life, POOL_FILLING); /* without a language there is no image to fill it from */
    keep_ready(stage.pool, &python, 1);
    AT(&stage, POOL_OPEN);
    assert_true(pool_can_make(stage.pool));
    sim_go_away(&stage.sim);
    AT(&stage, POOL_AWAY);
    assert_false(pool_engine_is_up(stage.pool));
    sim_come_back(&stage.sim);
    AT(&stage, POOL_OPEN);
    stage_close(&stage);
}

/* A trial before the first cell, and another one each time that the engine comes. The pool tells what was found. */
static void test_tries_capsules(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_options(&stage, (struct pool_options){.capsules = true});
    assert_true(pool_isolation(stage.pool).asked);
    assert_false(pool_isolation(stage.pool).chosen);
    stage_connect(&stage);
    keep_ready(stage.pool, &python, 1);
    AT(&stage, POOL_TRYING);
    assert_false(pool_can_make(stage.pool));
    AT(&stage, POOL_OPEN);
    assert_true(pool_isolation(stage.pool).capsules);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1);
    assert_int_equal(stage.sim.counts[SIM_CREATE], 3); /* the volume's container, the trial's cell, the idle one */
    sim_go_away(&stage.sim);
    AT(&stage, POOL_AWAY);
    assert_false(pool_isolation(stage.pool).chosen || pool_isolation(stage.pool).capsules);
    stage.sim.on_reset = SIM_BAD;
    sim_come_back(&stage.sim);
    AT(&stage, POOL_OPEN);
    assert_true(pool_isolation(stage.pool).chosen);
    assert_false(pool_isolation(stage.pool).capsules);
    assert_string_not_equal(pool_isolation(stage.pool).reason, "");
    stage_close(&stage);
}

static void test_closes_while_trying(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_options(&stage, (struct pool_options){.capsules = true});
    stage.sim.on_reset = SIM_SILENT;
    stage_connect(&stage);
    keep_ready(stage.pool, &python, 1);
    sim_until(&stage.sim, stage.pool->life == POOL_TRYING && sim_last(&stage.sim)->resets == 1);
    stage_close(&stage);
}

static void test_closes(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    keep_ready(stage.pool, &python, 1);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1);
    stage_begin_close(&stage);
    assert_int_equal(stage.pool->life, POOL_ENDING);
    AT(&stage, POOL_LAST_SWEEP);
    AT(&stage, POOL_LEAVING);
    stage_end_close(&stage);
}

static void test_closes_without_engine(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_idle(&stage);
    sim_hold(&stage.sim, SIM_REMOVE);
    stage_connect(&stage);
    keep_ready(stage.pool, &python, 1);
    sim_until(&stage.sim, stage.sim.counts[SIM_REMOVE] > 0); /* the volume's container */
    stage_begin_close(&stage);
    assert_int_equal(stage.pool->life, POOL_ENDING);
    pool_engine_changed(stage.pool, false);
    assert_int_equal(stage.pool->life, POOL_CLOSED); /* there is no cell */
    sim_release(&stage.sim, SIM_REMOVE);
    sim_until(&stage.sim, stage.pool_closed);
    sim_close(&stage.sim);
}

/* From within on_cell, a taker asks for another cell, cancels a request that waits, and ends its own cell. */

static struct taker first, second, third;
static unsigned nested;

static void on_cell_within(struct pool_request *request, struct cell *cell, const struct error *error)
{
    struct stage *stage = first.stage;

    on_cell(request, cell, error);
    if (nested++ == 0) {
        pool_cancel(stage->pool, &second.request);
        take(stage, &third, &python, 100);
    }
    if (cell != NULL)
        cell_end(cell);
}

static void take_within(struct stage *stage, struct taker *taker)
{
    *taker = (struct taker){.stage = stage,
                            .request = {.kind = &python, .limits = python.limits, .on_cell = on_cell_within}};
    pool_take(stage->pool, &taker->request);
}

static void test_calls_from_within(void **state)
{
    struct stage stage;

    (void)state;
    nested = 0;
    stage_open(&stage);
    pool_withdraw(stage.pool, &python);
    take_within(&stage, &first);
    take_within(&stage, &second);
    sim_until(&stage.sim, first.told && third.told);
    assert_false(second.told);
    cell_end(third.cell);
    sim_until(&stage.sim, sim_alive(&stage.sim) == 0 && counts(&stage, NULL).creating == 0);
    stage_close(&stage);
}

/* All requests fail because the engine goes. One cancels the next from within, and asks again: that fails at once. */
static void test_failures_from_within(void **state)
{
    struct stage stage;

    (void)state;
    nested = 0;
    stage_open(&stage);
    pool_withdraw(stage.pool, &python);
    take_within(&stage, &first);
    take_within(&stage, &second);
    pool_engine_changed(stage.pool, false);
    assert_true(first.told);
    assert_null(first.cell);
    assert_false(second.told);
    assert_true(third.told);
    assert_int_equal(third.error.code, ERROR_UNAVAILABLE);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_comes_and_goes),
        cmocka_unit_test(test_tries_capsules),
        cmocka_unit_test(test_closes_while_trying),
        cmocka_unit_test(test_closes),
        cmocka_unit_test(test_closes_without_engine),
        cmocka_unit_test(test_calls_from_within),
        cmocka_unit_test(test_failures_from_within),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
