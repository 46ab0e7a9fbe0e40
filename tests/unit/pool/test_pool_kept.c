/* Kept cells: which request gets which cell, for how long, and that no other key ever does. */
#include "pool_stage.h"

#include "base/seam.h"
#include "docker/cell/cell_private.h"
#include "docker/cell/cell_shares.h"
#include "docker/pool/pool_private.h"

static void stage_open_kept(struct stage *stage, unsigned max_idle, unsigned jobs)
{
    stage_open_options(stage, (struct pool_options){.capsules = true,
                                                    .max_idle = max_idle,
                                                    .max_idle_bytes = (uint64_t)1 << 30,
                                                    .reuse_jobs = jobs,
                                                    .reuse_idle_ms = 60000});
    stage->sim.program = sim_hello;
    stage_connect(stage);
    keep_ready(stage->pool, &python, 1);
    sim_until(&stage->sim, pool_can_make(stage->pool) && counts(stage, NULL).ready == 1);
    sim_until(&stage->sim, counts(stage, NULL).ending == 0); /* the trial's cell */
}

/* Runs a job that ends well and gives its cell back. */
static struct cell *run_keyed(struct stage *stage, const struct cell_kind *kind, int64_t key)
{
    struct taker taker;

    take_keyed(stage, &taker, kind, key);
    sim_until(&stage->sim, taker.cell != NULL);
    stage_run(&taker);
    sim_until(&stage->sim, taker.ended);
    assert_int_equal(taker.outcome, CELL_DONE);
    return taker.cell;
}

/* Nothing is under way, all targets are met, and `kept` cells are kept. */
static bool calm(struct stage *stage, unsigned kept)
{
    struct pool_counts now = counts(stage, NULL);

    return now.kept == kept && now.ready >= now.target + kept && now.creating + now.ending + now.running == 0 &&
           stage->pool->shelves.resetting == 0;
}

static struct sim_box *kept_box(struct stage *stage)
{
    for (size_t i = 0; i < stage->sim.boxes_len; i++)
        if (stage->sim.boxes[i].resets > 0 && !stage->sim.boxes[i].removed)
            return &stage->sim.boxes[i];
    return NULL;
}

static void test_same_key_again(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_kept(&stage, 8, 100);
    struct cell *first = run_keyed(&stage, &python, 7);
    assert_ptr_equal(run_keyed(&stage, &python, 7),
                     first); /* although another cell was ready, and this one was being reset */
    assert_ptr_equal(run_keyed(&stage, &python, 7), first);
    sim_until(&stage.sim, calm(&stage, 1));
    assert_int_equal(kept_box(&stage)->jobs, 3);
    stage_close(&stage);
}

/* No request of another key, without a key, or for another language gets the cell. */
static void test_no_other_key(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_kept(&stage, 8, 100);
    keep_ready(stage.pool, &bash, 1);
    struct cell *first = run_keyed(&stage, &python, 7);
    assert_ptr_not_equal(run_keyed(&stage, &python, 8), first);
    assert_ptr_not_equal(run_keyed(&stage, &python, 0), first);
    assert_ptr_not_equal(run_keyed(&stage, &bash, 7), first);
    assert_int_equal(kept_box(&stage)->jobs, 1);
    stage_close(&stage);
}

/* Not even if there is no other cell. */
static void test_no_other_key_without_idle_cells(void **state)
{
    struct stage stage;
    struct taker other, none;

    (void)state;
    stage_open_kept(&stage, 8, 100);
    sim_hold(&stage.sim, SIM_START);
    run_keyed(&stage, &python, 7);
    take_keyed(&stage, &other, &python, 8);
    take_keyed(&stage, &none, &python, 0);
    sim_until(&stage.sim, counts(&stage, NULL).kept == 1 && stage.sim.waiting_len == 2);
    sim_idle(&stage.sim);
    assert_null(other.cell);
    assert_null(none.cell);
    sim_release(&stage.sim, SIM_START);
    sim_until(&stage.sim, other.cell != NULL && none.cell != NULL);
    cell_end(other.cell);
    cell_end(none.cell);
    stage_close(&stage);
}

/* Two jobs at once use two cells, and both are kept. A single job gets the cell that was used last. */
static void test_as_many_as_at_once(void **state)
{
    struct stage stage;
    struct taker a, b, c;

    (void)state;
    stage_open_kept(&stage, 8, 100);
    take_keyed(&stage, &a, &python, 7);
    take_keyed(&stage, &b, &python, 7);
    sim_until(&stage.sim, a.cell != NULL && b.cell != NULL);
    stage_run(&a);
    sim_until(&stage.sim, a.ended);
    stage_run(&b);
    sim_until(&stage.sim, b.ended && calm(&stage, 2));
    take_keyed(&stage, &c, &python, 7);
    assert_ptr_equal(c.cell, b.cell); /* at once */
    cell_end(c.cell);
    stage_close(&stage);
}

static struct sim_box *box_of(struct stage *stage, const struct cell *cell)
{
    for (size_t i = 0; i < stage->sim.boxes_len; i++)
        if (strcmp(stage->sim.boxes[i].name, cell->name) == 0)
            return &stage->sim.boxes[i];
    return NULL;
}

/* One request after another without a pause: the second takes an idle cell, and from then on the key uses the two in
 * turn. */
static void test_two_in_turn(void **state)
{
    struct stage stage;
    struct cell *cells[4];

    (void)state;
    stage_open_kept(&stage, 8, 100);
    stage.sim.on_reset = SIM_SILENT;
    for (int i = 0; i < 4; i++) {
        struct taker taker;
        sim_until(&stage.sim, counts(&stage, "python").ready > counts(&stage, "python").kept);
        take_keyed(&stage, &taker, &python, 7);
        if (i == 2) /* both are being reset, and there is an idle cell */
            assert_null(taker.cell);
        if (i >= 2)
            sim_ready(&stage.sim, box_of(&stage, cells[i - 2]));
        sim_until(&stage.sim, taker.cell != NULL);
        cells[i] = taker.cell;
        stage_run(&taker);
        sim_until(&stage.sim, taker.ended);
    }
    assert_ptr_not_equal(cells[0], cells[1]);
    assert_ptr_equal(cells[0], cells[2]);
    assert_ptr_equal(cells[1], cells[3]);
    assert_int_equal(counts(&stage, NULL).kept, 2);
    stage_close(&stage);
}

/* A request waits for a cell of its key that is being reset while another program runs, but not forever. */
static void test_waits_for_a_reset(void **state)
{
    struct stage stage;
    struct taker soon, late, busy;

    (void)state;
    stage_open_kept(&stage, 8, 100);
    keep_ready(stage.pool, &bash, 1);
    stage_stop_clock(); /* so that a slow machine does not fill the shelf */
    take_keyed(&stage, &busy, &bash, 8);
    sim_until(&stage.sim, busy.cell != NULL);
    stage.sim.on_reset = SIM_SILENT;
    struct cell *first = run_keyed(&stage, &python, 7);
    sim_until(&stage.sim, kept_box(&stage) != NULL && counts(&stage, NULL).creating == 0);
    unsigned creations = stage.sim.counts[SIM_CREATE];
    take_keyed(&stage, &soon, &python, 7);
    assert_null(soon.cell);
    sim_ready(&stage.sim, kept_box(&stage));
    sim_until(&stage.sim, soon.cell != NULL);
    assert_ptr_equal(soon.cell, first);
    assert_int_equal(stage.sim.counts[SIM_CREATE], creations);

    seam_set(&seam_system);
    stage_run(&soon);
    sim_until(&stage.sim, soon.ended && kept_box(&stage)->resets == 2);
    take_keyed(&stage, &late, &python, 7);
    assert_null(late.cell);
    sim_skip(&stage.sim, 510);
    sim_until(&stage.sim, late.cell != NULL);
    assert_ptr_not_equal(late.cell, first);
    cell_end(late.cell);
    cell_end(busy.cell);
    stage_close(&stage);
}

/* Requests that come while the only cell of their key runs, and get it before the engine has made another, do not count
 * as demand for idle cells. */
static void test_requests_that_a_kept_cell_serves_are_no_demand(void **state)
{
    struct stage stage;
    struct taker takers[2];

    (void)state;
    stage_open_kept(&stage, 40, 100);
    struct cell *first = run_keyed(&stage, &python, 7);
    sim_until(&stage.sim, calm(&stage, 1));
    struct taker *now = &takers[0], *next = &takers[1], *swap;
    take_keyed(&stage, now, &python, 7);
    stage.sim.held[SIM_CREATE] = true;
    struct taker other; /* takes the idle cell */
    take_keyed(&stage, &other, &python, 7);
    for (unsigned i = 0; i < 12; i++) {
        take_keyed(&stage, next, &python, 7);
        assert_null(next->cell);
        stage_run(now);
        sim_until(&stage.sim, next->cell != NULL);
        assert_ptr_equal(next->cell, first);
        swap = now, now = next, next = swap;
    }
    sim_skip(&stage.sim, 25);
    sim_idle(&stage.sim);
    assert_in_range(counts(&stage, "python").target, 1, 3);
    stage.sim.held[SIM_CREATE] = false;
    sim_release(&stage.sim, SIM_CREATE);
    cell_end(now->cell);
    cell_end(other.cell);
    stage_close(&stage);
}

static void test_a_reset_that_fails(void **state)
{
    static const enum sim_word words[] = {SIM_BAD, SIM_DEATH, SIM_SILENT};

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct stage stage;
        struct taker next;

        stage_open_kept(&stage, 8, 100);
        stage.sim.on_reset = words[i];
        struct cell *first = run_keyed(&stage, &python, 7);
        take_keyed(&stage, &next, &python, 7);
        if (words[i] == SIM_SILENT) {
            sim_until(&stage.sim, kept_box(&stage) != NULL);
            sim_skip(&stage.sim, CELL_RESET_MS + 100);
        }
        sim_until(&stage.sim, next.cell != NULL);
        assert_ptr_not_equal(next.cell, first);
        cell_end(next.cell);
        sim_until(&stage.sim, calm(&stage, 0));
        assert_int_equal(sim_alive(&stage.sim), counts(&stage, NULL).ready);
        stage_close(&stage);
    }
}

static void test_number_of_jobs(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_kept(&stage, 8, 2);
    struct cell *first = run_keyed(&stage, &python, 7);
    assert_ptr_equal(run_keyed(&stage, &python, 7), first);
    sim_until(&stage.sim, calm(&stage, 0));
    assert_null(kept_box(&stage)); /* the cell was removed */
    stage_close(&stage);
}

static void test_unused_cells_end(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_kept(&stage, 8, 100);
    run_keyed(&stage, &python, 7);
    sim_until(&stage.sim, calm(&stage, 1));
    sim_skip(&stage.sim, 50000);
    sim_idle(&stage.sim);
    assert_int_equal(counts(&stage, NULL).kept, 1);
    sim_skip(&stage.sim, 10100);
    sim_until(&stage.sim, calm(&stage, 0));
    stage_close(&stage);
}

/* A small budget: the cell that was used last is kept. A budget for the minima alone: no cell is kept. */
static void test_budget(void **state)
{
    struct stage stage;
    struct taker taker;

    (void)state;
    stage_open_kept(&stage, 3, 100);
    for (int64_t key = 1; key <= 4; key++)
        run_keyed(&stage, &python, key);
    sim_until(&stage.sim, calm(&stage, counts(&stage, NULL).kept));
    assert_in_range(counts(&stage, NULL).kept, 1, 2);
    assert_true(counts(&stage, NULL).ready <= 3);
    unsigned creations = stage.sim.counts[SIM_CREATE];
    take_keyed(&stage, &taker, &python, 4);
    assert_int_equal(cell_jobs(taker.cell), 1);
    assert_int_equal(stage.sim.counts[SIM_CREATE], creations);
    cell_end(taker.cell);
    stage_close(&stage);

    stage_open_kept(&stage, 1, 100);
    run_keyed(&stage, &python, 1);
    assert_int_equal(counts(&stage, NULL).kept, 0);
    stage_close(&stage);
}

/* Other limits are set on a kept cell. Another disk_mb gets another capsule in it. */
static void test_limits(void **state)
{
    struct stage stage;
    struct taker taker = {.stage = &stage};

    (void)state;
    stage_open_kept(&stage, 8, 100);
    struct cell *first = run_keyed(&stage, &python, 7);
    sim_until(&stage.sim, calm(&stage, 1));
    taker.request = (struct pool_request){.kind = &python, .limits = python.limits, .key = 7, .on_cell = on_cell};
    taker.request.limits.disk_mb = 300;
    taker.request.limits.memory_mb = 64;
    pool_take(stage.pool, &taker.request);
    assert_ptr_equal(taker.cell, first);
    cell_end(taker.cell);
    stage_close(&stage);
}

/* Keys that share cells: one cell serves both, the pool holds no other beside it, and it waits for longer than a kept
 * cell, because another one would take its place. */
static void test_shared(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_kept(&stage, 8, 100);
    unsigned creations = stage.sim.counts[SIM_CREATE];
    struct cell *first = run_keyed(&stage, &python, POOL_KEY_ANY);
    for (unsigned i = 0; i < 5; i++)
        assert_ptr_equal(run_keyed(&stage, &python, POOL_KEY_ANY), first);
    sim_until(&stage.sim, counts(&stage, NULL).kept == 1 && stage.pool->shelves.resetting == 0);
    sim_skip(&stage.sim, 1000);
    sim_idle(&stage.sim);
    assert_int_equal(stage.sim.counts[SIM_CREATE], creations);
    sim_skip(&stage.sim, 61000);
    sim_idle(&stage.sim);
    assert_int_equal(counts(&stage, NULL).kept, 1);
    stage_close(&stage);
}

/* After a long program a cell gets its share of the processors back at once if its next job may be another key's. */
static void test_a_shared_cells_share_comes_back_at_once(void **state)
{
    static const int64_t keys[] = {7, POOL_KEY_ANY};
    struct taker taker;
    struct stage stage;

    (void)state;
    for (int i = 0; i < 2; i++) {
        stage_open_kept(&stage, 8, 100);
        take_keyed(&stage, &taker, &python, keys[i]);
        sim_until(&stage.sim, taker.cell != NULL);
        stage_run(&taker);
        cell_yield(taker.cell);
        sim_until(&stage.sim, taker.ended);
        assert_int_equal(taker.cell->shares_due_ns <= seam()->monotonic_ns(), keys[i] == POOL_KEY_ANY);
        stage_close(&stage);
    }
}

/* A key that shares no cells needs one of its own on the shelf. */
static void test_shared_beside_a_key_that_does_not(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_kept(&stage, 8, 100);
    struct cell *first = run_keyed(&stage, &python, POOL_KEY_ANY);
    sim_until(&stage.sim, counts(&stage, NULL).kept == 1);
    assert_ptr_not_equal(run_keyed(&stage, &python, 7), first);
    sim_until(&stage.sim, calm(&stage, 2));
    assert_true(counts(&stage, NULL).ready >= 3);
    stage_close(&stage);
}

/* A long program has the cell: after a while another one is made for the next request. */
static void test_shared_and_long_in_use(void **state)
{
    struct stage stage;
    struct taker taker;

    (void)state;
    stage_open_kept(&stage, 8, 100);
    unsigned creations = stage.sim.counts[SIM_CREATE];
    take_keyed(&stage, &taker, &python, POOL_KEY_ANY);
    sim_skip(&stage.sim, 60); /* the shelf would be filled by now */
    sim_idle(&stage.sim);
    assert_int_equal(stage.sim.counts[SIM_CREATE], creations);
    sim_skip(&stage.sim, 150);
    sim_until(&stage.sim, stage.sim.counts[SIM_CREATE] > creations);
    cell_end(taker.cell);
    stage_close(&stage);
}

/* After an hour, a cell ends when its job is over. */
static void test_age(void **state)
{
    struct stage stage;
    struct taker taker;

    (void)state;
    stage_open_kept(&stage, 8, 100);
    struct cell *first = run_keyed(&stage, &python, POOL_KEY_ANY);
    sim_until(&stage.sim, counts(&stage, NULL).kept == 1 && stage.pool->shelves.resetting == 0);
    sim_skip(&stage.sim, 3600000);
    sim_idle(&stage.sim);
    take_keyed(&stage, &taker, &python, POOL_KEY_ANY);
    assert_ptr_equal(taker.cell, first);
    stage_run(&taker);
    sim_until(&stage.sim, taker.ended);
    assert_int_equal(counts(&stage, NULL).kept, 0);
    sim_until(&stage.sim, calm(&stage, 0));
    stage_close(&stage);
}

/* A language is withdrawn: its kept cells end, and cells that are given back are not kept. */
static void test_language_withdrawn(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_kept(&stage, 8, 100);
    run_keyed(&stage, &python, 7);
    run_keyed(&stage, &python, 8);
    sim_until(&stage.sim, counts(&stage, NULL).kept == 2);
    pool_withdraw(stage.pool, &python);
    sim_until(&stage.sim, sim_alive(&stage.sim) == 0);
    run_keyed(&stage, &python, 7);
    sim_until(&stage.sim, sim_alive(&stage.sim) == 0);
    assert_int_equal(counts(&stage, NULL).kept, 0);
    stage_close(&stage);
}

static void test_engine_goes(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_kept(&stage, 8, 100);
    run_keyed(&stage, &python, 7);
    sim_until(&stage.sim, counts(&stage, NULL).kept == 1);
    stage.sim.on_reset = SIM_SILENT;
    run_keyed(&stage, &python, 8);
    sim_go_away(&stage.sim);
    sim_until(&stage.sim, !stage.sim.up && counts(&stage, NULL).ready + counts(&stage, NULL).ending == 0);
    assert_int_equal(counts(&stage, NULL).kept, 0);
    sim_come_back(&stage.sim);
    sim_until(&stage.sim, calm(&stage, 0));
    assert_int_equal(sim_alive(&stage.sim), counts(&stage, NULL).ready);
    stage_close(&stage);
}

static void test_close(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_kept(&stage, 8, 100);
    run_keyed(&stage, &python, 7);
    sim_until(&stage.sim, counts(&stage, NULL).kept == 1);
    stage.sim.on_reset = SIM_SILENT;
    run_keyed(&stage, &python, 8);
    assert_int_equal(counts(&stage, NULL).kept, 2);
    stage_close(&stage); /* one cell is kept, and one is being reset */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_key_again),
        cmocka_unit_test(test_no_other_key),
        cmocka_unit_test(test_no_other_key_without_idle_cells),
        cmocka_unit_test(test_as_many_as_at_once),
        cmocka_unit_test(test_two_in_turn),
        cmocka_unit_test(test_waits_for_a_reset),
        cmocka_unit_test(test_requests_that_a_kept_cell_serves_are_no_demand),
        cmocka_unit_test(test_a_reset_that_fails),
        cmocka_unit_test(test_number_of_jobs),
        cmocka_unit_test(test_unused_cells_end),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_a_shared_cells_share_comes_back_at_once),
        cmocka_unit_test(test_shared_beside_a_key_that_does_not),
        cmocka_unit_test(test_shared_and_long_in_use),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_language_withdrawn),
        cmocka_unit_test(test_engine_goes),
        cmocka_unit_test(test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
