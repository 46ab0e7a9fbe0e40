/* Whether the cells get capsules, on a made-up engine: proved by a trial, not asked for, or given up. */
#include "cell_stage.h"

#include "docker/cell/isolation.h"

#include <stdlib.h>

struct trial {
    struct stage stage;
    struct isolation_trial isolation;
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

static void trial_open(struct trial *trial, bool capsules)
{
    memset(trial, 0, sizeof *trial);
    stage_open(&trial->stage);
    trial->stage.cells.capsules = false;
    isolation_init(&trial->isolation, &trial->stage.cells, capsules, on_done, trial);
    trial->isolation.gone = on_gone;
}

static void trial_close(struct trial *trial)
{
    sim_until(&trial->stage.sim, trial->stage.cells.count == 0);
    assert_int_equal(sim_alive(&trial->stage.sim), 0);
    stage_close(&trial->stage);
}

static void decide_wholly(struct trial *trial)
{
    isolation_decide(&trial->isolation, &stage_kind);
    sim_until(&trial->stage.sim, trial->done > 0);
    sim_until(&trial->stage.sim, trial->stage.cells.count == 0);
    assert_int_equal(trial->done, 1);
    assert_true(trial->isolation.chosen);
}

static void assert_reason(const struct trial *trial, const char *part)
{
    if (strstr(trial->isolation.reason, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, trial->isolation.reason);
}

/* The engine is asked nothing. */
static void test_nothing_to_try(void **state)
{
    (void)state;
    for (int podman = 0; podman < 2; podman++) {
        struct trial trial;
        trial_open(&trial, false);
        trial.stage.cells.podman = podman == 1;
        decide_wholly(&trial);
        assert_false(trial.stage.cells.capsules);
        assert_reason(&trial, "CODECELL_ISOLATION");
        assert_int_equal(trial.stage.sim.counts[SIM_CREATE], 0);
        trial_close(&trial);
    }
}

/* Podman gets no profile from the server, and makes capsules all the same. */
static void test_podman_is_tried(void **state)
{
    struct trial trial;

    (void)state;
    trial_open(&trial, true);
    trial.stage.cells.podman = true;
    cells_set_seccomp(&trial.stage.cells);
    decide_wholly(&trial);
    assert_true(trial.stage.cells.capsules);
    assert_int_equal(trial.stage.sim.counts[SIM_CREATE], 1);
    trial_close(&trial);
}

/* Ready, reset, ready again. Its container is one of ours to the reaper, and is removed. */
static void test_proved(void **state)
{
    struct trial trial;

    (void)state;
    trial_open(&trial, true);
    struct sim *sim = &trial.stage.sim;
    sim->mute = true;
    sim->on_reset = SIM_SILENT;
    isolation_decide(&trial.isolation, &stage_kind);
    sim_until(sim, sim->counts[SIM_START] == 1);
    assert_true(cells_know(&trial.stage.cells, sim_last(sim)->name));
    sim_ready(sim, sim_last(sim));
    sim_until(sim, sim_last(sim)->resets == 1);
    sim_idle(sim);
    assert_int_equal(trial.done, 0); /* one capsule proves nothing */
    assert_false(trial.isolation.chosen);
    sim_ready(sim, sim_last(sim));
    sim_until(sim, trial.done == 1);
    assert_true(trial.isolation.chosen);
    assert_true(trial.stage.cells.capsules);
    sim_until(sim, trial.gone == 1);
    sim_traced(sim, "create attach start reset remove ");
    assert_int_equal(trial.done, 1);
    trial_close(&trial);
}

static void test_refused(void **state)
{
    static const struct {
        enum sim_op op;
        struct sim_rule rule;
        const char *reason;
    } cases[] = {
        {SIM_CREATE, {.times = 1, .status = 400}, "create"},
        {SIM_CREATE, {.times = 1, .status = 500}, "create"},
        {SIM_ATTACH, {.times = 1, .status = 409}, ""},
        {SIM_START, {.times = 1, .status = 500}, "start"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        trial_open(&trial, true);
        trial.stage.sim.mute = true; /* a container that was not started says nothing */
        sim_script(&trial.stage.sim, cases[i].op, cases[i].rule);
        decide_wholly(&trial);
        assert_false(trial.stage.cells.capsules);
        assert_reason(&trial, cases[i].reason);
        assert_true(trial.isolation.reason[0] != '\0');
        trial_close(&trial);
    }
}

/* The first capsule is made, and the second one is not. */
static void test_not_reset(void **state)
{
    static const enum sim_word words[] = {SIM_BAD, SIM_DEATH};

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct trial trial;
        trial_open(&trial, true);
        trial.stage.sim.on_reset = words[i];
        decide_wholly(&trial);
        assert_false(trial.stage.cells.capsules);
        assert_true(trial.isolation.reason[0] != '\0');
        trial_close(&trial);
    }
}

static void test_never_ready(void **state)
{
    struct trial trial;

    (void)state;
    for (int again = 0; again < 2; again++) { /* at first, or after the reset */
        trial_open(&trial, true);
        struct sim *sim = &trial.stage.sim;
        sim->mute = again == 0;
        sim->on_reset = SIM_SILENT;
        isolation_decide(&trial.isolation, &stage_kind);
        sim_until(sim, sim->counts[SIM_START] == 1 && (again == 0 || sim_last(sim)->resets == 1));
        sim_idle(sim);
        assert_int_equal(trial.done, 0);
        sim_skip(sim, ISOLATION_TRIAL_MS + 100);
        sim_until(sim, trial.done == 1);
        assert_false(trial.stage.cells.capsules);
        sim_until(sim, trial.gone == 1);
        trial_close(&trial);
    }
}

/* The end, or the engine's going, at each point: nothing is decided, and what was made is removed. */
static void test_cancelled(void **state)
{
    static const enum sim_op ops[] = {SIM_CREATE, SIM_ATTACH, SIM_START};

    (void)state;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct trial trial;
        trial_open(&trial, true);
        struct sim *sim = &trial.stage.sim;
        sim->mute = true;
        sim_hold(sim, ops[i]);
        isolation_decide(&trial.isolation, &stage_kind);
        sim_until(sim, sim->counts[ops[i]] == 1);
        isolation_cancel(&trial.isolation);
        isolation_cancel(&trial.isolation);
        assert_false(trial.stage.cells.capsules);
        sim_release(sim, ops[i]);
        sim_until(sim, trial.stage.cells.count == 0);
        sim_idle(sim);
        assert_int_equal(trial.done, 0);
        assert_int_equal(trial.gone, 1);
        assert_false(trial.isolation.chosen);
        trial_close(&trial);
    }
}

/* The engine goes in the middle and comes back: asked once more, from the beginning. */
static void test_engine_goes(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) {
        struct trial trial;
        trial_open(&trial, true);
        struct sim *sim = &trial.stage.sim;
        sim->mute = again == 0;
        sim->on_reset = SIM_SILENT;
        isolation_decide(&trial.isolation, &stage_kind);
        sim_until(sim, sim->counts[SIM_START] == 1 && (again == 0 || sim_last(sim)->resets == 1));
        sim_go_away(sim);
        sim_until(sim, !sim->up || trial.done > 0);
        isolation_cancel(&trial.isolation); /* as the pool does */
        sim_until(sim, trial.stage.cells.count == 0);
        assert_false(trial.stage.cells.capsules);
        unsigned before = trial.done;
        sim_come_back(sim);
        sim->mute = false;
        sim->on_reset = SIM_GOOD;
        sim_until(sim, engine_is_up(sim->engine));
        isolation_decide(&trial.isolation, &stage_kind);
        sim_until(sim, trial.done == before + 1);
        assert_true(trial.stage.cells.capsules);
        trial_close(&trial);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_try), cmocka_unit_test(test_podman_is_tried),
        cmocka_unit_test(test_proved),         cmocka_unit_test(test_refused),
        cmocka_unit_test(test_not_reset),      cmocka_unit_test(test_never_ready),
        cmocka_unit_test(test_cancelled),      cmocka_unit_test(test_engine_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
