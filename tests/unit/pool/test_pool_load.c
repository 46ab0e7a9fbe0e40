/* Used cells under load: how many containers are made for many requests of one key, of two keys, and of old cells. */
#include "pool_stage.h"

#include "docker/pool/pool_private.h"

#define SLOTS 8u /* requests at a time, as the runner has slots */

static void load_open(struct stage *stage, const struct cell_kind *kind, unsigned minimum, unsigned jobs)
{
    stage_open_options(stage, (struct pool_options){.capsules = true,
                                                    .max_idle = 40,
                                                    .max_idle_bytes = (uint64_t)1 << 30,
                                                    .reuse_jobs = jobs,
                                                    .reuse_idle_ms = 60000});
    stage->sim.program = sim_hello;
    stage_connect(stage);
    keep_ready(stage->pool, kind, minimum);
    sim_until(&stage->sim, pool_can_make(stage->pool) && counts(stage, NULL).ready == minimum);
    sim_until(&stage->sim, counts(stage, NULL).ending == 0); /* the trial's cell */
}

static unsigned made(const struct stage *stage)
{
    return stage->sim.counts[SIM_CREATE];
}

static unsigned changing(const struct stage *stage)
{
    return counts(stage, NULL).ending + counts(stage, NULL).creating;
}

static unsigned most_changing; /* cells that were made or removed at one time */

/* Starts the job of each taker that has got its cell, and takes for the next one in the place of each that is done.
 * Returns how many are done. */
static unsigned load_turn(struct stage *stage, struct taker *takers, bool *started, unsigned count, unsigned *asked,
                          int64_t key)
{
    unsigned done = 0, now = changing(stage);

    most_changing = now > most_changing ? now : most_changing;
    for (unsigned i = 0; i < *asked; i++) {
        if (takers[i].cell != NULL && !started[i]) {
            started[i] = true;
            stage_run(&takers[i]);
        }
        done += takers[i].ended;
    }
    while (*asked < count && *asked - done < SLOTS) {
        take_keyed(stage, &takers[*asked], &python, key);
        ++*asked;
    }
    return done;
}

static void run_hundred(struct stage *stage, int64_t key)
{
    static struct taker takers[100];
    bool started[100] = {false};
    unsigned asked = 0;

    memset(takers, 0, sizeof takers);
    sim_until(&stage->sim, load_turn(stage, takers, started, 100, &asked, key) == 100);
}

static unsigned most_jobs(const struct stage *stage)
{
    unsigned most = 0;

    for (size_t i = 0; i < stage->sim.boxes_len; i++)
        most = stage->sim.boxes[i].jobs > most ? stage->sim.boxes[i].jobs : most;
    return most;
}

/* A hundred at once on eight containers: the eight are used again and again. With a key of its own they are replaced
 * for other keys in the background, once. */
static void test_hundred_at_once(void **state)
{
    static const struct {
        int64_t key;
        unsigned made;
    } cases[] = {{7, 8}, {POOL_KEY_ANY, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage stage;
        load_open(&stage, &python, 8, 500);
        unsigned before = made(&stage);
        run_hundred(&stage, cases[i].key);
        assert_in_range(made(&stage) - before, 0, cases[i].made);
        sim_until(&stage.sim, counts(&stage, NULL).kept == 8 && stage.pool->shelves.resetting == 0);
        assert_in_range(most_jobs(&stage), 2, 100);
        stage_close(&stage);
    }
}

static struct cell *run_one(struct stage *stage, const struct cell_kind *kind, int64_t key, enum cell_warmth *warmth)
{
    struct taker taker;

    take_keyed(stage, &taker, kind, key);
    sim_until(&stage->sim, taker.cell != NULL);
    *warmth = cell_warmth(taker.cell);
    stage_run(&taker);
    sim_until(&stage->sim, taker.ended);
    return taker.cell;
}

/* A kept and an idle cell are prewarmed. */
static bool rested(const struct stage *stage)
{
    return counts(stage, NULL).kept == 1 && counts(stage, NULL).prewarmed == 2 && stage->pool->shelves.resetting == 0;
}

/* One request after another, each after a pause: each finds its cell prewarmed, and no cell is made after the first. */
static void test_steady(void **state)
{
    struct stage stage;
    enum cell_warmth warmth;

    (void)state;
    load_open(&stage, &ruby, 1, 500);
    run_one(&stage, &ruby, 7, &warmth);
    sim_until(&stage.sim, rested(&stage));
    unsigned before = made(&stage);
    for (unsigned i = 0; i < 50; i++) {
        run_one(&stage, &ruby, 7, &warmth);
        assert_int_equal(warmth, CELL_PREWARMED);
        sim_until(&stage.sim, rested(&stage));
    }
    assert_int_equal(made(&stage), before);
    stage_close(&stage);
}

/* Two keys that take turns have a cell each, or share one. */
static void test_two_keys(void **state)
{
    (void)state;
    for (int any = 0; any < 2; any++) {
        struct stage stage;
        struct cell *cells[2] = {NULL, NULL};
        enum cell_warmth warmth;
        load_open(&stage, &python, 1, 500);
        unsigned before = made(&stage);
        for (unsigned i = 0; i < 40; i++) {
            struct cell *cell = run_one(&stage, &python, any ? POOL_KEY_ANY : 7 + i % 2, &warmth);
            assert_true(cells[i % 2] == NULL || cells[i % 2] == cell);
            cells[i % 2] = cell;
        }
        assert_int_equal(cells[0] == cells[1], any);
        sim_until(&stage.sim, counts(&stage, NULL).creating == 0);
        assert_in_range(made(&stage) - before, 0, any ? 0 : 2);
        stage_close(&stage);
    }
}

/* No container runs more programs than it may. In the place of each that ends, one is made for the request that comes
 * at once, and at most one for the shelf. */
static void test_old_ones_are_replaced(void **state)
{
    struct stage stage;
    enum cell_warmth warmth;

    (void)state;
    load_open(&stage, &python, 1, 10);
    unsigned before = made(&stage);
    for (unsigned i = 0; i < 100; i++)
        run_one(&stage, &python, POOL_KEY_ANY, &warmth);
    assert_int_equal(most_jobs(&stage), 10);
    assert_in_range(made(&stage) - before, 9, 20);
    stage_close(&stage);
}

/* Cells that were made together do not end together: one is removed while its successor is made, and
 * then comes the next. */
static void test_worn_ones_are_replaced_one_after_another(void **state)
{
    struct stage stage;

    (void)state;
    load_open(&stage, &python, 8, 100);
    run_hundred(&stage, 7);
    sim_until(&stage.sim, counts(&stage, NULL).kept == 8 && counts(&stage, NULL).ready == 16);
    most_changing = 0;
    for (unsigned i = 0; i < 24; i++) {
        run_hundred(&stage, 7);
        sim_skip(&stage.sim, 60);
        sim_until(&stage.sim, changing(&stage) == 0);
    }
    assert_in_range(most_changing, 1, 2);
    assert_in_range(most_jobs(&stage), 75, 99);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hundred_at_once),
        cmocka_unit_test(test_steady),
        cmocka_unit_test(test_two_keys),
        cmocka_unit_test(test_old_ones_are_replaced),
        cmocka_unit_test(test_worn_ones_are_replaced_one_after_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
