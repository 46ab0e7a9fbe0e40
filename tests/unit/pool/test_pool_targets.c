/* How many idle cells there are, by demand: more after a burst, fewer after a quiet time, within the budget. */
#include "pool_stage.h"

static void stage_open_budget(struct stage *stage, unsigned max_idle)
{
    stage_open_options(stage, (struct pool_options){.max_idle = max_idle, .max_idle_bytes = (uint64_t)1 << 30});
    stage_connect(stage);
    keep_ready(stage->pool, &python, 1);
    keep_ready(stage->pool, &bash, 1);
    sim_until(&stage->sim, counts(stage, NULL).ready == 2);
}

/* `n` requests at once. */
static void burst(struct stage *stage, const struct cell_kind *kind, unsigned n)
{
    struct taker takers[8];

    assert_true(n <= 8);
    for (unsigned i = 0; i < n; i++)
        take(stage, &takers[i], kind, 100);
    for (unsigned i = 0; i < n; i++) {
        sim_until(&stage->sim, takers[i].cell != NULL);
        cell_end(takers[i].cell);
    }
}

static bool calm(struct stage *stage)
{
    struct pool_counts now = counts(stage, NULL);

    return now.ready == now.target && now.creating + now.ending == 0;
}

static void test_more_after_a_burst_fewer_later(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_budget(&stage, 20);
    burst(&stage, &python, 6);
    sim_until(&stage.sim, counts(&stage, "python").ready >= 3);
    assert_int_equal(counts(&stage, "bash").target, 1);
    for (unsigned minutes = 0; minutes < 60 && counts(&stage, "python").target > 1; minutes++) {
        sim_skip(&stage.sim, 60000);
        sim_idle(&stage.sim);
    }
    assert_int_equal(counts(&stage, "python").target, 1);
    sim_skip(&stage.sim, 6000); /* a surplus has to last */
    sim_until(&stage.sim, calm(&stage));
    assert_int_equal(counts(&stage, NULL).ready, 2);
    assert_int_equal(sim_alive(&stage.sim), 2);
    stage_close(&stage);
}

/* A language that is not in use any more gives way to one that is. */
static void test_unused_languages_give_way(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_budget(&stage, 6);
    burst(&stage, &python, 8);
    sim_until(&stage.sim, counts(&stage, "python").ready >= 4);
    sim_skip(&stage.sim, 900000);
    for (unsigned i = 0; i < 4; i++)
        burst(&stage, &bash, 8);
    sim_until(&stage.sim, counts(&stage, "bash").ready >= 4);
    sim_until(&stage.sim, calm(&stage));
    assert_true(counts(&stage, NULL).ready <= 6);
    assert_true(counts(&stage, "python").ready >= 1);
    stage_close(&stage);
}

/* Only the minima may exceed the budget, and a withdrawn language has no idle cells. */
static void test_bounds(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_budget(&stage, 1);
    burst(&stage, &python, 8);
    sim_until(&stage.sim, calm(&stage));
    assert_int_equal(counts(&stage, NULL).ready, 2);
    stage_close(&stage);

    stage_open_budget(&stage, 20);
    pool_withdraw(stage.pool, &python);
    burst(&stage, &python, 8);
    sim_until(&stage.sim, calm(&stage));
    assert_int_equal(counts(&stage, "python").ready, 0);
    assert_int_equal(counts(&stage, "python").target, 0);
    stage_close(&stage);
}

/* Preferred cells get what the budget leaves: first the language in use, then by id, in whatever order they were
 * offered. */
static void test_preferred(void **state)
{
    const struct pool_keep one = {.preferred = 1, .by_demand = true};
    struct stage stage;

    (void)state;
    stage_open_options(&stage, (struct pool_options){.max_idle = 2, .max_idle_bytes = (uint64_t)1 << 30});
    stage_connect(&stage);
    pool_offer(stage.pool, &ruby, one);
    pool_offer(stage.pool, &python, one);
    pool_offer(stage.pool, &bash, one);
    sim_skip(&stage.sim, 6000); /* a surplus has to last */
    sim_until(&stage.sim, counts(&stage, "bash").ready == 1 && counts(&stage, "python").ready == 1 && calm(&stage));
    burst(&stage, &ruby, 1);
    sim_until(&stage.sim, counts(&stage, "ruby").ready == 1 && counts(&stage, "bash").ready == 1 && calm(&stage));
    assert_int_equal(sim_alive(&stage.sim), 2);
    pool_offer(stage.pool, &bash, (struct pool_keep){.by_demand = true}); /* without a preferred number */
    sim_until(&stage.sim, counts(&stage, "python").ready == 1 && calm(&stage));
    assert_int_equal(counts(&stage, "bash").ready, 0);
    stage_close(&stage);
}

/* By demand alone: no idle cell before the first request, and none a while after the last. */
static void test_by_demand_alone(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_budget(&stage, 20);
    pool_offer(stage.pool, &ruby, (struct pool_keep){.by_demand = true});
    sim_idle(&stage.sim);
    assert_int_equal(counts(&stage, "ruby").target, 0);
    burst(&stage, &ruby, 1);
    sim_until(&stage.sim, counts(&stage, "ruby").ready >= 1);
    for (unsigned minutes = 0; minutes < 60 && counts(&stage, "ruby").target > 0; minutes++) {
        sim_skip(&stage.sim, 60000);
        sim_idle(&stage.sim);
    }
    sim_skip(&stage.sim, 6000);
    sim_until(&stage.sim, counts(&stage, "ruby").ready == 0 && calm(&stage));
    assert_int_equal(counts(&stage, NULL).ready, 2);
    stage_close(&stage);
}

/* Requests for another disk size do not count, because no idle cell could serve them. */
static void test_other_disks_do_not_count(void **state)
{
    struct stage stage;
    struct taker takers[6];

    (void)state;
    stage_open_budget(&stage, 20);
    for (unsigned i = 0; i < 6; i++)
        take(&stage, &takers[i], &python, 300);
    for (unsigned i = 0; i < 6; i++) {
        sim_until(&stage.sim, takers[i].cell != NULL);
        cell_end(takers[i].cell);
    }
    assert_int_equal(counts(&stage, "python").target, 1);
    stage_close(&stage);
}

/* The server's own requests do not count, because they are not a client's. */
static void test_the_servers_own_do_not_count(void **state)
{
    struct stage stage;
    struct taker takers[6];

    (void)state;
    stage_open_budget(&stage, 20);
    for (unsigned i = 0; i < 6; i++) {
        takers[i] = (struct taker){
            .stage = &stage, .request = {.kind = &python, .limits = python.limits, .own = true, .on_cell = on_cell}};
        pool_take(stage.pool, &takers[i].request);
    }
    for (unsigned i = 0; i < 6; i++) {
        sim_until(&stage.sim, takers[i].cell != NULL);
        cell_end(takers[i].cell);
    }
    assert_int_equal(counts(&stage, "python").target, 1);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_after_a_burst_fewer_later),
        cmocka_unit_test(test_unused_languages_give_way),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_preferred),
        cmocka_unit_test(test_by_demand_alone),
        cmocka_unit_test(test_other_disks_do_not_count),
        cmocka_unit_test(test_the_servers_own_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
