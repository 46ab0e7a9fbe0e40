/* Which runtime the cells get, on a made-up engine: chosen by a trial, by name, or given up. */
#include "cell_stage.h"

#include "docker/cell/runtime.h"
#include "docker/engine/codec_read.h"

#define BOTH "{\"Runtimes\":{\"runc\":{\"path\":\"runc\"},\"crun\":{\"path\":\"crun\"}},\"DefaultRuntime\":\"runc\"}"

struct trial {
    struct stage stage;
    struct runtime_trial runtime;
    unsigned done, gone;
};

static void on_done(void *arg)
{
    ((struct trial *)arg)->done++;
}

static void on_gone(void *arg)
{
    ((struct trial *)arg)->gone++;
}

static void trial_open(struct trial *trial, const char *setting, const char *info)
{
    memset(trial, 0, sizeof *trial);
    stage_open(&trial->stage);
    trial->stage.sim.info = info;
    runtime_init(&trial->runtime, &trial->stage.cells, setting, on_done, trial);
    trial->runtime.gone = on_gone;
}

static void trial_close(struct trial *trial)
{
    sim_until(&trial->stage.sim, trial->stage.cells.count == 0);
    assert_int_equal(sim_alive(&trial->stage.sim), 0);
    stage_close(&trial->stage);
}

static void decide_wholly(struct trial *trial)
{
    runtime_decide(&trial->runtime, &stage_kind);
    sim_until(&trial->stage.sim, trial->done > 0);
    sim_until(&trial->stage.sim, trial->stage.cells.count == 0);
    assert_int_equal(trial->done, 1);
}

/* A name is taken as it is: the engine is asked nothing. */
static void test_named(void **state)
{
    static const struct {
        const char *setting, *expected;
    } cases[] = {{"runsc", "runsc"}, {"crun", "crun"}, {"", NULL}, {NULL, NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        trial_open(&trial, cases[i].setting, BOTH);
        decide_wholly(&trial);
        assert_int_equal(trial.stage.sim.counts[SIM_INFO] + trial.stage.sim.counts[SIM_CREATE], 0);
        if (cases[i].expected == NULL)
            assert_null(trial.stage.cells.runtime);
        else
            assert_string_equal(trial.stage.cells.runtime, cases[i].expected);
        trial_close(&trial);
    }
}

static void test_nothing_to_try(void **state)
{
    static const char *const infos[] = {
        NULL,
        "{}",
        "[]",
        "{\"Runtimes\":null}",
        "{\"Runtimes\":[\"crun\"],\"DefaultRuntime\":7}",
        "{\"Runtimes\":{\"crun\":{},\"runc\":{}},\"DefaultRuntime\":\"crun\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++) {
        struct trial trial;
        trial_open(&trial, RUNTIME_AUTO, infos[i]);
        decide_wholly(&trial);
        assert_null(trial.stage.cells.runtime);
        assert_int_equal(trial.stage.sim.counts[SIM_CREATE], 0);
        trial_close(&trial);
    }
}

/* Its container is made with crun, is one of ours to the reaper, and is removed; the cells after it have crun. */
static void test_proved(void **state)
{
    struct trial trial;

    (void)state;
    trial_open(&trial, RUNTIME_AUTO, BOTH);
    struct sim *sim = &trial.stage.sim;
    sim->mute = true;
    runtime_decide(&trial.runtime, &stage_kind);
    sim_until(sim, sim->counts[SIM_START] == 1);
    assert_non_null(strstr(sim->last_body[SIM_CREATE], "\"Runtime\":\"crun\""));
    assert_true(cells_know(&trial.stage.cells, sim_last(sim)->name));
    assert_null(trial.stage.cells.runtime); /* not before it is proved */
    sim_ready(sim, sim_last(sim));
    sim_until(sim, trial.done == 1);
    assert_string_equal(trial.stage.cells.runtime, "crun");
    sim_until(sim, trial.gone == 1);
    sim_traced(sim, "create attach start remove ");
    sim->mute = false;
    stage_make_ready(&trial.stage);
    assert_non_null(strstr(sim->last_body[SIM_CREATE], "\"Runtime\":\"crun\""));
    stage_end(&trial.stage);
    assert_int_equal(trial.done, 1);
    trial_close(&trial);
}

static void test_refused(void **state)
{
    static const struct {
        enum sim_op op;
        struct sim_rule rule;
    } cases[] = {
        {SIM_INFO, {.times = 1, .status = 500}},   {SIM_CREATE, {.times = 1, .status = 400}},
        {SIM_CREATE, {.times = 1, .status = 500}}, {SIM_ATTACH, {.times = 1, .status = 409}},
        {SIM_START, {.times = 1, .status = 400}},  {SIM_START, {.times = 1, .status = 500}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        trial_open(&trial, RUNTIME_AUTO, BOTH);
        trial.stage.sim.mute = true; /* a container that was not started says nothing */
        sim_script(&trial.stage.sim, cases[i].op, cases[i].rule);
        decide_wholly(&trial);
        assert_null(trial.stage.cells.runtime);
        trial.stage.sim.mute = false;
        stage_make_ready(&trial.stage);
        assert_null(strstr(trial.stage.sim.last_body[SIM_CREATE], "crun"));
        stage_end(&trial.stage);
        trial_close(&trial);
    }
}

static void test_never_ready(void **state)
{
    struct trial trial;

    (void)state;
    trial_open(&trial, RUNTIME_AUTO, BOTH);
    struct sim *sim = &trial.stage.sim;
    sim->mute = true;
    runtime_decide(&trial.runtime, &stage_kind);
    sim_until(sim, sim->counts[SIM_START] == 1);
    sim_idle(sim);
    sim_skip(sim, RUNTIME_TRIAL_MS - 3000);
    sim_idle(sim);
    assert_int_equal(trial.done, 0);
    sim_skip(sim, 3100);
    sim_until(sim, trial.done == 1);
    assert_null(trial.stage.cells.runtime);
    sim_until(sim, trial.gone == 1);
    trial_close(&trial);
}

/* The end, or the engine's going, at each point: nothing is decided, and what was made is removed. */
static void test_cancelled(void **state)
{
    static const enum sim_op ops[] = {SIM_INFO, SIM_CREATE, SIM_ATTACH, SIM_START};

    (void)state;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct trial trial;
        trial_open(&trial, RUNTIME_AUTO, BOTH);
        struct sim *sim = &trial.stage.sim;
        sim->mute = true;
        sim_hold(sim, ops[i]);
        runtime_decide(&trial.runtime, &stage_kind);
        sim_until(sim, sim->counts[ops[i]] == 1);
        runtime_cancel(&trial.runtime);
        runtime_cancel(&trial.runtime);
        sim_release(sim, ops[i]);
        sim_until(sim, trial.stage.cells.count == 0);
        sim_idle(sim);
        assert_int_equal(trial.done, 0);
        assert_int_equal(trial.gone, ops[i] == SIM_INFO ? 0 : 1);
        trial_close(&trial);
    }
}

/* The engine goes in the middle and comes back: asked once more, from the beginning. */
static void test_engine_goes(void **state)
{
    static const enum sim_op ops[] = {SIM_INFO, SIM_CREATE, SIM_START};

    (void)state;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct trial trial;
        trial_open(&trial, RUNTIME_AUTO, BOTH);
        struct sim *sim = &trial.stage.sim;
        sim->mute = true;
        sim_hold(sim, ops[i]);
        runtime_decide(&trial.runtime, &stage_kind);
        sim_until(sim, sim->counts[ops[i]] == 1);
        sim_go_away(sim);
        sim_until(sim, !sim->up || trial.done > 0);
        runtime_cancel(&trial.runtime); /* as the pool does */
        sim_until(sim, trial.stage.cells.count == 0);
        assert_null(trial.stage.cells.runtime);
        unsigned before = trial.done;
        sim_release(sim, ops[i]);
        sim_come_back(sim);
        sim->mute = false;
        sim_until(sim, engine_is_up(sim->engine));
        runtime_decide(&trial.runtime, &stage_kind);
        sim_until(sim, trial.done == before + 1);
        assert_string_equal(trial.stage.cells.runtime, "crun");
        trial_close(&trial);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_named),       cmocka_unit_test(test_nothing_to_try), cmocka_unit_test(test_proved),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_never_ready),    cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_engine_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
