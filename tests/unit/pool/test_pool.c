/* The pool on a scripted engine: how many cells it has, which taker gets which cell, and that no cell is ever lost. */
#include "pool_stage.h"

#include "base/seam.h"

static void test_fills_the_shelves(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    keep_ready(stage.pool, &python, 3);
    keep_ready(stage.pool, &bash, 1);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 4);
    sim_idle(&stage.sim);
    assert_int_equal(counts(&stage, "python").ready, 3);
    assert_int_equal(counts(&stage, "bash").ready, 1);
    assert_int_equal(counts(&stage, NULL).creating, 0);
    assert_int_equal(stage.sim.counts[SIM_VOLUME], 1); /* filled once, before the first cell */
    assert_int_equal(sim_alive(&stage.sim), 4);        /* the volume's container is gone */
    stage_close(&stage);
}

static void test_creations_are_paced(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    sim_hold(&stage.sim, SIM_START);
    keep_ready(stage.pool, &python, 5);
    sim_until(&stage.sim, stage.sim.counts[SIM_START] == 2);
    sim_idle(&stage.sim);
    assert_int_equal(counts(&stage, NULL).creating, 2);
    sim_release(&stage.sim, SIM_START);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 5);
    stage_close(&stage);
}

static void test_hands_out_idle_cells(void **state)
{
    struct stage stage;
    struct taker taker;

    (void)state;
    stage_open(&stage);
    keep_ready(stage.pool, &python, 2);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 2);
    stage_stop_clock(); /* so that a slow machine makes no difference */
    take(&stage, &taker, &python, 100);
    assert_non_null(taker.cell); /* at once */
    assert_int_equal(cell_state(taker.cell), CELL_READY);
    assert_int_equal(counts(&stage, NULL).ready, 2); /* the taker's cell is ready too */
    sim_idle(&stage.sim);
    assert_int_equal(stage.sim.counts[SIM_CREATE],
                     3); /* the volume's container counts; the shelf is not filled while programs run */
    cell_end(taker.cell);
    sim_until(&stage.sim, stage.sim.counts[SIM_CREATE] == 4 && counts(&stage, NULL).ready == 2);
    seam_set(&seam_system);
    stage_close(&stage);
}

static void test_shelf_is_filled_after_a_while(void **state)
{
    struct stage stage;
    struct taker taker;

    (void)state;
    stage_open(&stage);
    keep_ready(stage.pool, &python, 1);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1);
    take(&stage, &taker, &python, 100);
    sim_skip(&stage.sim, 60); /* past POOL_SETTLE_NS, although the cell is still taken */
    sim_until(&stage.sim, counts(&stage, NULL).ready == 2);
    cell_end(taker.cell);
    stage_close(&stage);
}

static void take_ranked(struct stage *stage, struct taker *taker, unsigned rank)
{
    *taker = (struct taker){.stage = stage,
                            .request = {.kind = &python, .limits = python.limits, .rank = rank, .on_cell = on_cell}};
    pool_take(stage->pool, &taker->request);
}

/* One key asks for six cells, of which two are made at a time. Then another key asks for one: it gets the second cell
 * that is ready, which was not made for it. */
static void test_many_requests_of_a_key_leave_room_for_another(void **state)
{
    static const unsigned places[] = {0, 2, 3, 4, 5, 6};
    struct stage stage;
    struct taker many[6], one;

    (void)state;
    stage_open(&stage);
    keep_ready(stage.pool, &python, 0);
    sim_until(&stage.sim, stage.sim.counts[SIM_ARCHIVE] == 2 && sim_alive(&stage.sim) == 0);
    sim_hold(&stage.sim, SIM_CREATE);
    unsigned before = stage.sim.counts[SIM_CREATE];
    for (unsigned i = 0; i < 6; i++)
        take_ranked(&stage, &many[i], i + 1);
    sim_until(&stage.sim, stage.sim.counts[SIM_CREATE] == before + 2);
    take_ranked(&stage, &one, 1);
    sim_release(&stage.sim, SIM_CREATE);
    sim_until(&stage.sim, stage.served == 7);
    assert_int_equal(one.place, 1);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(many[i].place, places[i]);
        cell_end(many[i].cell);
    }
    cell_end(one.cell);
    assert_int_equal(stage.sim.counts[SIM_CREATE], before + 7);
    stage_close(&stage);
}

/* The last idle cell is left to a key that has no other cell; the second request of a key waits for a new cell. */
static void test_the_last_idle_cell(void **state)
{
    struct stage stage;
    struct taker second, first;

    (void)state;
    stage_open(&stage);
    keep_ready(stage.pool, &python, 1);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1);
    take_ranked(&stage, &second, 2);
    assert_false(second.told);
    take_ranked(&stage, &first, 1);
    assert_true(first.told);
    sim_until(&stage.sim, second.told);
    assert_non_null(second.cell);
    cell_end(first.cell);
    cell_end(second.cell);
    stage_close(&stage);
}

/* Another cell takes the place of the last idle cell before further requests of one key get cells. */
static void test_the_last_idle_cell_is_replaced_first(void **state)
{
    struct stage stage;
    struct taker first, many[5], next;

    (void)state;
    stage_open(&stage);
    keep_ready(stage.pool, &python, 1);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1);
    take_ranked(&stage, &first, 1);
    for (unsigned i = 0; i < 5; i++)
        take_ranked(&stage, &many[i], i + 2);
    sim_until(&stage.sim, counts(&stage, NULL).ready > stage.served); /* the takers' cells are ready too */
    assert_in_range(stage.served, 1, 3);
    take_ranked(&stage, &next, 1);
    assert_true(next.told);
    sim_until(&stage.sim, stage.served == 7);
    cell_end(first.cell);
    cell_end(next.cell);
    for (unsigned i = 0; i < 5; i++)
        cell_end(many[i].cell);
    stage_close(&stage);
}

static void test_first_come_first_served(void **state)
{
    struct stage stage;
    struct taker takers[6];

    (void)state;
    stage_open(&stage);
    pool_withdraw(stage.pool, &python);
    for (size_t i = 0; i < 6; i++)
        take(&stage, &takers[i], &python, 100);
    sim_until(&stage.sim, stage.served == 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(takers[i].place, i);
        assert_non_null(takers[i].cell);
        cell_end(takers[i].cell);
    }
    sim_until(&stage.sim, sim_alive(&stage.sim) == 0);
    assert_int_equal(stage.sim.counts[SIM_CREATE], 7); /* these, and the volume's container */
    stage_close(&stage);
}

/* A request with another disk_mb needs a new cell. Other limits can be set on an idle one. */
static void test_other_disk(void **state)
{
    struct stage stage;
    struct taker other, same;

    (void)state;
    stage_open(&stage);
    keep_ready(stage.pool, &python, 1);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1);
    take(&stage, &other, &python, 500);
    assert_null(other.cell);
    same = (struct taker){.stage = &stage};
    same.request = (struct pool_request){.kind = &python, .limits = python.limits, .on_cell = on_cell};
    same.request.limits.memory_mb = 1;
    pool_take(stage.pool, &same.request);
    assert_non_null(same.cell);
    sim_until(&stage.sim, other.cell != NULL);
    assert_int_equal(cell_limits(other.cell)->disk_mb, 500);
    cell_end(other.cell);
    cell_end(same.cell);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1 && counts(&stage, NULL).ending == 0);
    assert_int_equal(sim_alive(&stage.sim), 1);
    stage_close(&stage);
}

/* Podman cannot update a container, so a request with any other limit needs a new cell. */
static void test_podman_updates_nothing(void **state)
{
    static const struct fake_rule podman[] = {{.match = "/_ping",
                                               .data =
                                                   "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nLibpod-Api-Version: 4.3.1"
                                                   "\r\nContent-Length: 2\r\n\r\nOK"},
                                              {0}};
    struct stage stage;
    struct taker other = {.stage = &stage}, same;

    (void)state;
    stage_open_idle(&stage);
    sim_go_away(&stage.sim);
    sim_until(&stage.sim, !stage.sim.up);
    fake_rules(&stage.sim.fake, podman);
    sim_come_back(&stage.sim);
    sim_until(&stage.sim, stage.sim.up);
    keep_ready(stage.pool, &python, 1);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1);
    assert_null(strstr(stage.sim.last_body[SIM_CREATE], "nr_inodes"));
    assert_null(strstr(stage.sim.last_body[SIM_CREATE], "seccomp="));
    other.request = (struct pool_request){.kind = &python, .limits = python.limits, .on_cell = on_cell};
    other.request.limits.memory_mb = 64;
    pool_take(stage.pool, &other.request);
    assert_null(other.cell);
    take(&stage, &same, &python, 100);
    assert_non_null(same.cell);
    sim_until(&stage.sim, other.cell != NULL);
    assert_int_equal(cell_limits(other.cell)->memory_mb, 64);
    cell_end(other.cell);
    cell_end(same.cell);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1 && counts(&stage, NULL).ending == 0);
    assert_int_equal(stage.sim.counts[SIM_UPDATE], 0);
    stage_close(&stage);
}

static void test_cancel(void **state)
{
    struct stage stage;
    struct taker first, second;

    (void)state;
    stage_open(&stage);
    pool_withdraw(stage.pool, &python);
    take(&stage, &first, &python, 100); /* before anything was made */
    pool_cancel(stage.pool, &first.request);
    sim_idle(&stage.sim);
    assert_int_equal(counts(&stage, NULL).creating, 0);

    sim_hold(&stage.sim, SIM_START);
    take(&stage, &first, &python, 100);
    sim_until(&stage.sim, stage.sim.counts[SIM_START] == 1);
    pool_cancel(stage.pool, &first.request); /* while its cell is made: the cell ends */
    sim_release(&stage.sim, SIM_START);
    sim_until(&stage.sim, stage.sim.counts[SIM_REMOVE] == 2 && counts(&stage, NULL).ending == 0);
    assert_int_equal(sim_alive(&stage.sim), 0);

    sim_hold(&stage.sim, SIM_START);
    take(&stage, &first, &python, 100);
    sim_until(&stage.sim, stage.sim.counts[SIM_START] == 2);
    take(&stage, &second, &python, 100);
    pool_cancel(stage.pool, &first.request); /* the cell goes to the next request */
    sim_release(&stage.sim, SIM_START);
    sim_until(&stage.sim, second.cell != NULL);
    cell_end(second.cell);
    sim_until(&stage.sim, counts(&stage, NULL).ending == 0 && counts(&stage, NULL).creating == 0);

    sim_hold(&stage.sim, SIM_START);
    unsigned starts = stage.sim.counts[SIM_START];
    take(&stage, &first, &python, 100);
    sim_until(&stage.sim, stage.sim.counts[SIM_START] == starts + 1);
    pool_cancel(stage.pool, &first.request); /* the cell goes to the shelf */
    keep_ready(stage.pool, &python, 1);
    sim_release(&stage.sim, SIM_START);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1);
    sim_idle(&stage.sim);
    assert_int_equal(stage.sim.counts[SIM_START], starts + 1);
    assert_null(first.cell);
    stage_close(&stage);
}

static void test_dead_cells_are_replaced(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    keep_ready(stage.pool, &python, 2);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 2);
    sim_die(sim_last(&stage.sim));
    sim_until(&stage.sim,
              stage.sim.counts[SIM_CREATE] == 4 && counts(&stage, NULL).ready == 2 && counts(&stage, NULL).ending == 0);
    assert_int_equal(sim_alive(&stage.sim), 2);
    stage_close(&stage);
}

static void test_smaller_minimum(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    keep_ready(stage.pool, &python, 3);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 3);
    keep_ready(stage.pool, &python, 1);
    sim_until(&stage.sim, sim_alive(&stage.sim) == 1);
    assert_int_equal(counts(&stage, NULL).ready, 1);
    pool_withdraw(stage.pool, &python);
    sim_until(&stage.sim, sim_alive(&stage.sim) == 0);
    stage_close(&stage);
}

/* After each failure the pool waits longer; a success ends that. */
static void test_failures_are_paused(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    sim_until(&stage.sim, stage.sim.counts[SIM_LIST] == 1);
    pool_withdraw(stage.pool, &python);
    sim_until(&stage.sim, stage.sim.counts[SIM_ARCHIVE] == 2 && sim_alive(&stage.sim) == 0);
    sim_idle(&stage.sim);
    sim_script(&stage.sim, SIM_START, (struct sim_rule){.times = 3, .status = 500});
    keep_ready(stage.pool, &python, 1);
    for (unsigned i = 1; i <= 3; i++) {
        sim_until(&stage.sim, stage.sim.counts[SIM_START] >= i && counts(&stage, NULL).creating == 0 &&
                                  counts(&stage, NULL).ending == 0);
        sim_skip(&stage.sim, 250u << i); /* past the pause */
    }
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1);
    assert_int_equal(stage.sim.counts[SIM_START], 4);
    assert_true(stage.sim.counts[SIM_VOLUME] >= 2); /* filled again, because somebody might have removed it */
    stage_close(&stage);
}

static void test_request_fails_after_its_tries(void **state)
{
    static const struct {
        struct sim_rule rule;
        enum error_code code;
    } cases[] = {{{.times = 9, .status = 500}, ERROR_INTERNAL}, {{.times = 9, .status = 400}, ERROR_INTERNAL}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;
        struct taker taker;

        stage_open(&stage);
        pool_withdraw(stage.pool, &python);
        sim_script(&stage.sim, SIM_START, cases[i].rule);
        take(&stage, &taker, &python, 100);
        sim_until(&stage.sim, stage.sim.counts[SIM_START] >= 1 && counts(&stage, NULL).ending == 0);
        sim_skip(&stage.sim, 300); /* one failure may be bad luck */
        sim_until(&stage.sim, taker.told);
        assert_null(taker.cell);
        assert_int_equal(taker.error.code, cases[i].code);
        assert_int_equal(stage.sim.counts[SIM_START], POOL_REQUEST_TRIES);
        sim_script(&stage.sim, SIM_START, (struct sim_rule){0});
        stage_close(&stage);
    }
}

/* The volume cannot be filled: requests fail after two tries, and the pool goes on trying. */
static void test_volume_fails(void **state)
{
    static const enum sim_op ops[] = {SIM_VOLUME, SIM_CREATE, SIM_ARCHIVE};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct stage stage;
        struct taker taker;

        stage_open(&stage);
        sim_script(&stage.sim, ops[i], (struct sim_rule){.times = POOL_REQUEST_TRIES, .status = 500});
        keep_ready(stage.pool, &python, 1);
        take(&stage, &taker, &python, 100);
        for (unsigned n = 1; n <= POOL_REQUEST_TRIES; n++) {
            sim_until(&stage.sim, stage.sim.counts[ops[i]] >= n);
            sim_idle(&stage.sim);
            sim_skip(&stage.sim, 1100);
        }
        sim_until(&stage.sim, taker.told);
        assert_null(taker.cell);
        sim_until(&stage.sim, counts(&stage, NULL).ready == 1);
        assert_int_equal(sim_alive(&stage.sim), 1); /* the volume's container is gone */
        stage_close(&stage);
    }
}

/* The engine. */

static void test_engine_goes_and_comes(void **state)
{
    struct stage stage;
    struct taker out, waiting, late;

    (void)state;
    stage_open(&stage);
    keep_ready(stage.pool, &python, 2);
    pool_withdraw(stage.pool, &bash);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 2);
    take(&stage, &out, &python, 100);
    stage_run(&out);
    sim_hold(&stage.sim, SIM_START);
    take(&stage, &waiting, &bash, 100);
    sim_until(&stage.sim, counts(&stage, "bash").creating == 1 && stage.sim.waiting_len > 0);

    sim_go_away(&stage.sim);
    sim_until(&stage.sim, !stage.sim.up && waiting.told);
    assert_null(waiting.cell);
    assert_int_equal(waiting.error.code, ERROR_UNAVAILABLE);
    take(&stage, &late, &python, 100);
    assert_true(late.told); /* at once */
    assert_int_equal(late.error.code, ERROR_UNAVAILABLE);
    sim_until(&stage.sim, out.ended); /* its stream broke, without a reason */
    assert_int_equal(out.outcome, CELL_LOST);
    sim_until(&stage.sim, counts(&stage, NULL).ending + counts(&stage, NULL).ready == 0);

    stage.sim.held[SIM_START] = false;
    sim_come_back(&stage.sim);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 2);
    assert_int_equal(stage.sim.counts[SIM_VOLUME], 2);
    assert_int_equal(sim_alive(&stage.sim), 2);
    stage_close(&stage);
}

/* Containers that an earlier server of this instance left are removed before a cell is made; those of other servers are
 * not. */
static void test_sweeps_first(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_idle(&stage);
    sim_add_box(&stage.sim, "codecell-old", "me");
    sim_add_box(&stage.sim, "codecell-theirs", "other");
    stage_connect(&stage);
    keep_ready(stage.pool, &python, 1);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1 && stage.sim.boxes[0].removed);
    assert_false(stage.sim.boxes[1].removed);
    assert_int_equal(sim_alive(&stage.sim), 2);
    stage_close(&stage);
}

static void test_sweeping_fails(void **state)
{
    struct stage stage;

    (void)state;
    stage_open_idle(&stage);
    sim_script(&stage.sim, SIM_LIST, (struct sim_rule){.times = 1, .status = 500});
    stage_connect(&stage);
    keep_ready(stage.pool, &python, 1);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1); /* nevertheless */
    stage_close(&stage);
}

/* Closing while each kind of call is under way. */
static void test_close_at_each_point(void **state)
{
    static const enum sim_op ops[] = {SIM_LIST,   SIM_VOLUMES, SIM_VOLUME, SIM_CREATE,       SIM_ARCHIVE,
                                      SIM_ATTACH, SIM_START,   SIM_REMOVE, SIM_VOLUME_REMOVE};

    (void)state;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct stage stage;
        struct taker taker;

        stage_open_idle(&stage);
        sim_hold(&stage.sim, ops[i]);
        stage_connect(&stage);
        keep_ready(stage.pool, &python, 2);
        take(&stage, &taker, &python, 100);
        if (ops[i] != SIM_VOLUME_REMOVE)
            sim_until(&stage.sim, stage.sim.counts[ops[i]] > 0);
        stage_begin_close(&stage);
        assert_true(taker.told);
        if (taker.cell == NULL)
            assert_int_equal(taker.error.code, ERROR_UNAVAILABLE);
        sim_idle(&stage.sim);
        sim_release(&stage.sim, ops[i]);
        stage_end_close(&stage);
    }
}

/* The engine answers nothing while the pool closes: after a while the pool gives up. */
static void test_close_without_answers(void **state)
{
    static const enum sim_op ops[] = {SIM_VOLUME, SIM_CREATE, SIM_START, SIM_REMOVE, SIM_VOLUME_REMOVE};

    (void)state;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct stage stage;

        stage_open_idle(&stage);
        if (ops[i] != SIM_REMOVE)
            sim_hold(&stage.sim, ops[i]);
        stage_connect(&stage);
        keep_ready(stage.pool, &python, 1);
        if (ops[i] == SIM_REMOVE || ops[i] == SIM_VOLUME_REMOVE)
            sim_until(&stage.sim, counts(&stage, NULL).ready == 1);
        else
            sim_until(&stage.sim, stage.sim.counts[ops[i]] > 0);
        sim_hold(&stage.sim, ops[i]);
        sim_hold(&stage.sim, SIM_REMOVE);
        if (ops[i] == SIM_VOLUME_REMOVE)
            sim_release(&stage.sim, SIM_REMOVE);
        stage_begin_close(&stage);
        sim_idle(&stage.sim);
        assert_false(stage.pool_closed);
        sim_skip(&stage.sim, STAGE_PATIENCE_MS + 100);
        sim_until(&stage.sim, stage.pool_closed);
        stage.pool = NULL;
        sim_close(&stage.sim);
    }
}

static void test_close_without_engine(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    keep_ready(stage.pool, &python, 1);
    sim_until(&stage.sim, counts(&stage, NULL).ready == 1);
    sim_go_away(&stage.sim);
    sim_until(&stage.sim, !stage.sim.up);
    stage_begin_close(&stage);
    stage_end_close(&stage);
}

/* The engine goes away and comes back while the pool closes. */
static void test_engine_changes_while_closing(void **state)
{
    static const enum sim_op ops[] = {SIM_VOLUME, SIM_START, SIM_VOLUME_REMOVE};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct stage stage;

        stage_open_idle(&stage);
        sim_hold(&stage.sim, ops[i]);
        stage_connect(&stage);
        keep_ready(stage.pool, &python, 1);
        if (ops[i] != SIM_VOLUME_REMOVE)
            sim_until(&stage.sim, stage.sim.counts[ops[i]] > 0);
        stage_begin_close(&stage);
        sim_go_away(&stage.sim);
        sim_until(&stage.sim, stage.pool_closed);
        sim_come_back(&stage.sim);
        stage_end_close(&stage);
    }
}

static void test_engine_comes_while_closing(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    sim_hold(&stage.sim, SIM_REMOVE);
    pool_withdraw(stage.pool, &python);
    sim_until(&stage.sim, stage.sim.counts[SIM_ARCHIVE] == 2 && stage.sim.waiting_len == 1);
    unsigned lists = stage.sim.counts[SIM_LIST];
    stage_begin_close(&stage);
    pool_engine_changed(stage.pool, true); /* as after a short break */
    sim_release(&stage.sim, SIM_REMOVE);
    stage_end_close(&stage);
    assert_int_equal(stage.lists, lists + 1); /* only the last sweep */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_the_shelves),
        cmocka_unit_test(test_creations_are_paced),
        cmocka_unit_test(test_hands_out_idle_cells),
        cmocka_unit_test(test_shelf_is_filled_after_a_while),
        cmocka_unit_test(test_the_last_idle_cell),
        cmocka_unit_test(test_the_last_idle_cell_is_replaced_first),
        cmocka_unit_test(test_first_come_first_served),
        cmocka_unit_test(test_many_requests_of_a_key_leave_room_for_another),
        cmocka_unit_test(test_other_disk),
        cmocka_unit_test(test_podman_updates_nothing),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_dead_cells_are_replaced),
        cmocka_unit_test(test_smaller_minimum),
        cmocka_unit_test(test_failures_are_paused),
        cmocka_unit_test(test_request_fails_after_its_tries),
        cmocka_unit_test(test_volume_fails),
        cmocka_unit_test(test_engine_goes_and_comes),
        cmocka_unit_test(test_sweeps_first),
        cmocka_unit_test(test_sweeping_fails),
        cmocka_unit_test(test_close_at_each_point),
        cmocka_unit_test(test_close_without_answers),
        cmocka_unit_test(test_close_without_engine),
        cmocka_unit_test(test_engine_changes_while_closing),
        cmocka_unit_test(test_engine_comes_while_closing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
