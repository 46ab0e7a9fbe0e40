/* Reuse: which ends give a cell back to the pool, for whom it is kept, and how executions got their cells. */
#include "run_stage.h"

#include "base/metrics.h"
#include "docker/cell/cell_stop.h"

enum { RUN = FRAME_STEP_RUN, COMPILE = FRAME_STEP_COMPILE };

static void ends(struct sim *sim, struct sim_box *box, struct frame_step_end end)
{
    sim_end(sim, box, RUN, end);
    sim_done(sim, box);
}

static void fails(struct sim *sim, struct sim_box *box)
{
    ends(sim, box, (struct frame_step_end){.exit_code = 1});
}

static void crashes(struct sim *sim, struct sim_box *box)
{
    ends(sim, box, (struct frame_step_end){.exit_code = 139, .signal = 11});
}

static void times_out(struct sim *sim, struct sim_box *box)
{
    ends(sim, box, (struct frame_step_end){.exit_code = 124, .flags = FRAME_TIMED_OUT});
}

static void goes_over_memory(struct sim *sim, struct sim_box *box)
{
    ends(sim, box, (struct frame_step_end){.exit_code = 137, .signal = 9, .flags = FRAME_OUT_OF_MEMORY});
}

static void loses_a_child(struct sim *sim, struct sim_box *box)
{
    ends(sim, box, (struct frame_step_end){.flags = FRAME_OUT_OF_MEMORY});
}

static void says_too_much(struct sim *sim, struct sim_box *box)
{
    ends(sim, box, (struct frame_step_end){.flags = FRAME_STDOUT_TRUNCATED});
}

static void complains_too_much(struct sim *sim, struct sim_box *box)
{
    ends(sim, box, (struct frame_step_end){.flags = FRAME_STDERR_TRUNCATED});
}

static void compiles(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, COMPILE, (struct frame_step_end){0});
    sim_hello(sim, box);
}

static void does_not_compile(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, COMPILE, (struct frame_step_end){.exit_code = 1});
    sim_done(sim, box);
}

static void compiles_too_long(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, COMPILE, (struct frame_step_end){.exit_code = 124, .flags = FRAME_TIMED_OUT});
    sim_done(sim, box);
}

static void warns_too_much(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, COMPILE, (struct frame_step_end){.flags = FRAME_STDERR_TRUNCATED});
    sim_hello(sim, box);
}

static void says_nothing_of_its_end(struct sim *sim, struct sim_box *box)
{
    sim_done(sim, box);
}

static void has_no_space(struct sim *sim, struct sim_box *box)
{
    sim_failed(sim, box, FRAME_FAIL_SPACE);
}

static void agent_dies(struct sim *sim, struct sim_box *box)
{
    (void)sim;
    sim_die(box);
}

/* A stage on which one cell of each language waits. */
static void open_filled(struct stage *stage)
{
    stage_open(stage);
    stage->sim.program = sim_hello;
    pool_offer(stage->pool, &python_version.kind, (struct pool_keep){.minimum = 1, .by_demand = true});
    pool_offer(stage->pool, &c_version.kind, (struct pool_keep){.minimum = 1, .by_demand = true});
    struct pool_counts counts;
    sim_until(&stage->sim, (pool_counts(stage->pool, NULL, &counts), counts.ready == 2 && counts.creating == 0));
}

static struct execution *submit(struct stage *stage, size_t key, struct language *language, enum key_reuse reuse)
{
    struct error error = {0};
    struct execution_request request = stage_request(language, "code");

    request.reuse = reuse;
    struct execution *execution =
        runner_submit(stage->runner, stage->keys[key], &request, &stage_listener, stage, &error);
    assert_non_null(execution);
    return execution;
}

/* Runs one and tells which container it got. */
static struct sim_box *run(struct stage *stage, size_t key, struct language *language, enum key_reuse reuse)
{
    size_t before = stage->ended_len;
    struct sim_box *got = NULL;
    unsigned jobs[SIM_BOXES_MAX];

    for (size_t i = 0; i < stage->sim.boxes_len; i++)
        jobs[i] = stage->sim.boxes[i].jobs;
    size_t boxes = stage->sim.boxes_len;
    submit(stage, key, language, reuse);
    sim_until(&stage->sim, stage->ended_len == before + 1);
    for (size_t i = 0; i < stage->sim.boxes_len; i++)
        if (stage->sim.boxes[i].jobs > (i < boxes ? jobs[i] : 0))
            got = &stage->sim.boxes[i];
    assert_non_null(got);
    return got;
}

static void test_which_ends_give_back(void **state)
{
    static const struct {
        void (*program)(struct sim *sim, struct sim_box *box);
        struct language *language;
        enum key_reuse reuse;
        bool given_back;
    } cases[] = {
        {sim_hello, &python, KEY_REUSE_KEY, true},
        {fails, &python, KEY_REUSE_KEY, true},
        {crashes, &python, KEY_REUSE_KEY, true},
        {compiles, &c, KEY_REUSE_KEY, true},
        {does_not_compile, &c, KEY_REUSE_KEY, true},
        {sim_hello, &python, KEY_REUSE_OFF, false},
        {fails, &python, KEY_REUSE_OFF, false},
        {sim_hello, &python, KEY_REUSE_ANY, true},
        {times_out, &python, KEY_REUSE_ANY, true},
        {times_out, &python, KEY_REUSE_KEY, true},
        {goes_over_memory, &python, KEY_REUSE_KEY, false},
        {loses_a_child, &python, KEY_REUSE_KEY, false},
        {says_too_much, &python, KEY_REUSE_KEY, true},
        {complains_too_much, &python, KEY_REUSE_KEY, true},
        {compiles_too_long, &c, KEY_REUSE_KEY, true},
        {warns_too_much, &c, KEY_REUSE_KEY, true},
        {says_nothing_of_its_end, &python, KEY_REUSE_KEY, false},
        {has_no_space, &python, KEY_REUSE_KEY, false},
        {agent_dies, &python, KEY_REUSE_KEY, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage stage;

        open_filled(&stage);
        stage.sim.program = cases[i].program;
        struct sim_box *box = run(&stage, 0, cases[i].language, cases[i].reuse);
        if (cases[i].given_back)
            sim_until(&stage.sim, box->resets == 1);
        else
            sim_until(&stage.sim, box->removed);
        assert_int_equal(box->resets, cases[i].given_back ? 1 : 0);
        assert_int_equal(box->removed, !cases[i].given_back);
        stage_close(&stage);
    }
}

static struct sim_box *busy_box(struct sim *sim)
{
    for (size_t i = 0; i < sim->boxes_len; i++)
        if (sim->boxes[i].busy)
            return &sim->boxes[i];
    return NULL;
}

static unsigned kept(struct stage *stage)
{
    struct pool_counts counts;

    pool_counts(stage->pool, "python", &counts);
    return counts.kept;
}

static bool has_come(const struct sim_box *box, const char *line)
{
    return box->job.len > 0 && strstr(box->job.data, line) != NULL;
}

/* A program that runs and has its input. */
static struct execution *begin(struct stage *stage, struct language *language, enum key_reuse reuse,
                               struct sim_box **box)
{
    stage->sim.program = NULL;
    struct execution *execution = submit(stage, 0, language, reuse);
    *box = NULL;
    sim_until(&stage->sim, (*box = busy_box(&stage->sim)) != NULL && has_come(*box, "STDIN_END\n"));
    sim_idle(&stage->sim); /* the cell knows that all is sent */
    return execution;
}

/* The client has its answer at once; the cell is kept once the program has ended. */
static void test_cancelled_ones_are_given_back(void **state)
{
    struct stage stage;
    struct sim_box *box;

    (void)state;
    for (int abandon = 0; abandon < 2; abandon++) {
        open_filled(&stage);
        struct execution *execution = begin(&stage, &python, KEY_REUSE_KEY, &box);
        assert_int_equal(execution->state, EXECUTION_RUNNING);
        if (abandon)
            execution_abandon(execution);
        else
            execution_cancel(execution);
        sim_until(&stage.sim, list_is_empty(&stage.runner->executions) && has_come(box, "SIGNAL 9\n"));
        assert_int_equal(box->resets, 0);
        ends(&stage.sim, box, (struct frame_step_end){.exit_code = 137, .signal = 9});
        sim_until(&stage.sim, box->resets == 1 && kept(&stage) == 1);
        stage.sim.program = sim_hello;
        assert_ptr_equal(run(&stage, 0, &python, KEY_REUSE_KEY), box);
        stage_close(&stage);
    }
}

/* The signal is dropped, or the program left its process group. */
static void test_a_program_that_does_not_end_is_removed(void **state)
{
    struct stage stage;
    struct sim_box *box;

    (void)state;
    open_filled(&stage);
    execution_cancel(begin(&stage, &python, KEY_REUSE_KEY, &box));
    for (unsigned i = 0; i <= CELL_STOP_TRIES; i++) {
        sim_idle(&stage.sim);
        sim_skip(&stage.sim, CELL_STOP_EVERY_MS);
    }
    sim_until(&stage.sim, box->removed);
    assert_int_equal(box->resets, 0);
    stage_close(&stage);
}

/* The agent tells of the limits only at the end. */
static void test_a_cancelled_one_that_ran_into_a_limit(void **state)
{
    static const struct {
        uint32_t flags;
        bool given_back;
    } cases[] = {{FRAME_OUT_OF_MEMORY, false},
                 {FRAME_STDOUT_TRUNCATED, true},
                 {FRAME_STDERR_TRUNCATED, true},
                 {FRAME_TIMED_OUT, true}};
    struct stage stage;
    struct sim_box *box;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_filled(&stage);
        execution_cancel(begin(&stage, &python, KEY_REUSE_KEY, &box));
        sim_until(&stage.sim, has_come(box, "SIGNAL 9\n"));
        ends(&stage.sim, box, (struct frame_step_end){.exit_code = 137, .signal = 9, .flags = cases[i].flags});
        sim_until(&stage.sim, cases[i].given_back ? box->resets == 1 : box->removed);
        assert_int_equal(box->removed, !cases[i].given_back);
        stage_close(&stage);
    }
}

/* Without reuse, and while the compiler runs, the container ends with the execution. */
static void test_cancelled_ones_that_are_not_given_back(void **state)
{
    static const struct {
        struct language *language;
        enum key_reuse reuse;
    } cases[] = {{&python, KEY_REUSE_OFF}, {&c, KEY_REUSE_KEY}};
    struct stage stage;
    struct sim_box *box;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_filled(&stage);
        execution_cancel(begin(&stage, cases[i].language, cases[i].reuse, &box));
        sim_until(&stage.sim, list_is_empty(&stage.runner->executions) && box->removed);
        assert_int_equal(box->resets, 0);
        assert_false(has_come(box, "SIGNAL"));
        stage_close(&stage);
    }
}

/* The same cell for the same key; never for another, nor for an execution of the key's own that does not reuse. */
static void test_kept_for_its_key_alone(void **state)
{
    struct stage stage;

    (void)state;
    open_filled(&stage);
    struct sim_box *first = run(&stage, 0, &python, KEY_REUSE_KEY);
    sim_until(&stage.sim, first->resets == 1 && kept(&stage) == 1);
    assert_ptr_not_equal(run(&stage, 1, &python, KEY_REUSE_KEY), first);
    assert_ptr_not_equal(run(&stage, 0, &python, KEY_REUSE_OFF), first);
    assert_int_equal(first->jobs, 1);
    assert_ptr_equal(run(&stage, 0, &python, KEY_REUSE_KEY), first);
    assert_int_equal(first->jobs, 2);
    sim_until(&stage.sim, first->resets == 2);
    stage_close(&stage);
}

/* The same cell for each key whose programs share cells, and for no other. */
static void test_kept_for_any_key(void **state)
{
    struct stage stage;

    (void)state;
    open_filled(&stage);
    struct sim_box *first = run(&stage, 0, &python, KEY_REUSE_ANY);
    sim_until(&stage.sim, first->resets == 1 && kept(&stage) == 1);
    assert_ptr_not_equal(run(&stage, 1, &python, KEY_REUSE_OFF), first);
    assert_ptr_not_equal(run(&stage, 0, &python, KEY_REUSE_KEY), first);
    assert_int_equal(first->jobs, 1);
    assert_ptr_equal(run(&stage, 1, &python, KEY_REUSE_ANY), first);
    sim_until(&stage.sim, first->resets == 2);
    stage_close(&stage);
}

/* Without capsules a cell is used once, whatever its key says. */
static void test_not_given_back_without_capsules(void **state)
{
    struct stage stage;

    (void)state;
    stage_capsules = false;
    open_filled(&stage);
    struct sim_box *box = run(&stage, 0, &python, KEY_REUSE_KEY);
    sim_until(&stage.sim, box->removed);
    assert_int_equal(box->resets, 0);
    stage_close(&stage);
    stage_capsules = true;
}

/* The cell is back before the record is committed: the reset runs meanwhile. */
static void test_given_back_at_once(void **state)
{
    struct stage stage;

    (void)state;
    open_filled(&stage);
    stage.sim.program = stage_hello_blocked;
    struct execution *execution = submit(&stage, 0, &python, KEY_REUSE_KEY);
    sim_until(&stage.sim, execution->state == EXECUTION_RECORDING);
    assert_null(execution->cell);
    assert_int_equal(kept(&stage), 1);
    stage_unblock(&stage);
    sim_until(&stage.sim, stage.ended_len == 1);
    stage_close(&stage);
}

static void assert_taken(const char *cell, unsigned count)
{
    struct buf text;
    char line[128];

    snprintf(line, sizeof line, "\ncodecell_cells_taken_total{language=\"python\",cell=\"%s\"} %u\n", cell, count);
    buf_init(&text, 1 << 20);
    assert_int_equal(metrics_text(&text), 0);
    bool found = strstr(text.data, line) != NULL;
    buf_free(&text);
    if (!found)
        fail_msg("not there: %s", line);
}

static void test_how_cells_were_taken(void **state)
{
    struct stage stage;

    (void)state;
    metrics_reset();
    stage_open(&stage);
    stage.sim.program = sim_hello;
    run(&stage, 0, &python, KEY_REUSE_OFF);
    assert_taken("made", 1);
    pool_offer(stage.pool, &python_version.kind, (struct pool_keep){.minimum = 1, .by_demand = true});
    struct pool_counts counts;
    sim_until(&stage.sim, (pool_counts(stage.pool, "python", &counts), counts.ready == 1));
    struct sim_box *box = run(&stage, 0, &python, KEY_REUSE_KEY);
    assert_taken("blank", 1);
    sim_until(&stage.sim, box->resets == 1 && kept(&stage) == 1);
    run(&stage, 0, &python, KEY_REUSE_KEY);
    assert_taken("kept", 1);
    assert_taken("made", 1);
    assert_taken("blank", 1);
    stage_close(&stage);
    metrics_reset();
}

int main(void)
{
    stage_budget = 16;
    stage_capsules = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_ends_give_back),
        cmocka_unit_test(test_cancelled_ones_are_given_back),
        cmocka_unit_test(test_a_program_that_does_not_end_is_removed),
        cmocka_unit_test(test_a_cancelled_one_that_ran_into_a_limit),
        cmocka_unit_test(test_cancelled_ones_that_are_not_given_back),
        cmocka_unit_test(test_kept_for_its_key_alone),
        cmocka_unit_test(test_given_back_at_once),
        cmocka_unit_test(test_how_cells_were_taken),
        cmocka_unit_test(test_kept_for_any_key),
        cmocka_unit_test(test_not_given_back_without_capsules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
