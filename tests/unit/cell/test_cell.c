/* A cell's life from its making to its end, as a trace: the engine's calls and what its owner hears. */
#include "cell_stage.h"

#include "base/seam.h"

static void test_happy_path(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage_make(&stage);
    assert_int_equal(cell_state(stage.cell), CELL_CREATING);
    sim_until(&stage.sim, stage.ready);
    assert_int_equal(cell_state(stage.cell), CELL_READY);
    assert_string_equal(stage.cell->id, "box1");
    assert_string_equal(cell_language(stage.cell), "python");
    stage.sim.program = sim_hello;
    stage_run(&stage, NULL);
    assert_int_equal(cell_state(stage.cell), CELL_RUNNING);
    sim_until(&stage.sim, stage.done);
    cell_end(stage.cell);
    sim_until(&stage.sim, stage.gone);
    sim_traced(&stage.sim, "create attach start READY out:hello end:0 DONE:0 ENDING remove GONE ");
    assert_int_equal(stage.cells.count, 0);
    stage_close(&stage);
}

static void test_what_is_created(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage_make_ready(&stage);
    json_t *body = json_loads(stage.sim.last_body[SIM_CREATE], 0, NULL);
    json_t *host = json_object_get(body, "HostConfig");
    assert_string_equal(json_string_value(json_object_get(body, "Image")), "codecell-python");
    assert_int_equal(json_integer_value(json_object_get(host, "Memory")), (256 + 50 + CELL_AGENT_MB) << 20);
    assert_int_equal(json_integer_value(json_object_get(host, "PidsLimit")),
                     32 + CELL_AGENT_PROCESSES + CELL_KEEPER_PROCESSES);
    assert_int_equal(json_integer_value(json_object_get(host, "NanoCpus")), 500000000);
    assert_true(json_is_true(json_object_get(host, "ReadonlyRootfs")));
    assert_string_equal(json_string_value(json_object_get(sim_last(&stage.sim)->labels, LABEL_INSTANCE)), "me");
    assert_true(cells_know(&stage.cells, sim_last(&stage.sim)->name));
    assert_false(cells_know(&stage.cells, "codecell-other"));
    json_decref(body);
    stage_end(&stage);
    stage_close(&stage);
}

/* Room for the step that may hold more. */
static void test_memory_of_both_steps(void **state)
{
    static const struct cell_limits limits = {.memory_mb = 256, .disk_mb = 50};
    static const struct {
        uint32_t compile_mb, steps_mb;
    } cases[] = {{0, 256}, {128, 256}, {300, 300}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct cell_kind kind = {.compile_memory_mb = cases[i].compile_mb};
        assert_int_equal(cell_memory_bytes(&kind, &limits), (cases[i].steps_mb + 50 + CELL_AGENT_MB) << 20);
    }
}

static void test_user_ids_differ(void **state)
{
    struct stage stage;
    struct cell *cells[3];

    (void)state;
    stage_open(&stage);
    stage.cells.next_uid = CELL_UID_COUNT - 2; /* the range ends between them */
    for (int i = 0; i < 3; i++)
        cells[i] = cell_make(&stage.cells, &stage_kind, &stage_kind.limits, &stage.owner);
    assert_int_equal(cells[0]->uid, CELL_UID_FIRST + CELL_UID_COUNT - 2);
    assert_int_equal(cells[1]->uid, CELL_UID_FIRST + CELL_UID_COUNT - 1);
    assert_int_equal(cells[2]->uid, CELL_UID_FIRST);
    stage.cells.next_uid = CELL_UID_COUNT - 1; /* those in use are passed over */
    struct cell *other = cell_make(&stage.cells, &stage_kind, &stage_kind.limits, &stage.owner);
    assert_int_equal(other->uid, CELL_UID_FIRST + 1);
    for (int i = 0; i < 3; i++)
        cell_end(cells[i]);
    cell_end(other);
    sim_until(&stage.sim, stage.cells.count == 0);
    assert_int_equal(sim_alive(&stage.sim), 0);
    stage_close(&stage);
}

static void test_no_more_than_there_are_ids_for(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage.cells.count = CELLS_MAX; /* as if there were so many */
    assert_null(cell_make(&stage.cells, &stage_kind, &stage_kind.limits, &stage.owner));
    stage.cells.count = CELLS_MAX - 1;
    struct cell *last = cell_make(&stage.cells, &stage_kind, &stage_kind.limits, &stage.owner);
    assert_non_null(last);
    assert_null(cell_make(&stage.cells, &stage_kind, &stage_kind.limits, &stage.owner));
    stage.cells.count = 1;
    cell_end(last);
    sim_until(&stage.sim, stage.cells.count == 0);
    stage_close(&stage);
}

/* Each call and each word of the agent's that can go wrong before a cell is ready. */
static void test_failures_while_making(void **state)
{
    static const struct {
        enum sim_op op;
        struct sim_rule rule;
        const char *trace;
        const char *reason;
        enum error_code code;
    } cases[] = {
        {SIM_CREATE, {.times = 1, .status = 404}, "create FAILED GONE ", "create: scripted", ERROR_NOT_FOUND},
        {SIM_CREATE, {.times = 1, .status = 500}, "create FAILED GONE ", "create: scripted", ERROR_INTERNAL},
        {SIM_CREATE,
         {.times = 1, .raw = "HTTP/1.1 201 C\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"},
         "create FAILED GONE ",
         "create: ",
         ERROR_INTERNAL},
        {SIM_CREATE,
         {.times = 1,
          .raw = "HTTP/1.1 201 C\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"Id\":\"../../x\"}"},
         "create FAILED GONE ",
         "create: ",
         ERROR_INTERNAL},
        {SIM_CREATE,
         {.times = 1, .raw = "garbage", .hang_up = true},
         "create FAILED GONE ",
         "create: ",
         ERROR_UNAVAILABLE},
        {SIM_ATTACH, {.times = 1, .status = 404}, "create attach FAILED remove GONE ", "attaching", ERROR_INTERNAL},
        {SIM_ATTACH, {.times = 1, .status = 409}, "create attach FAILED remove GONE ", "attaching", ERROR_INTERNAL},
        {SIM_ATTACH,
         {.times = 1, .raw = "\x16\x03\x01", .hang_up = true},
         "create attach FAILED remove GONE ",
         "attaching",
         ERROR_INTERNAL},
        {SIM_START,
         {.times = 1, .status = 400},
         "create attach start FAILED remove GONE ",
         "start: scripted",
         ERROR_INTERNAL},
        {SIM_START,
         {.times = 1, .status = 500},
         "create attach start FAILED remove GONE ",
         "start: scripted",
         ERROR_INTERNAL},
        {SIM_START,
         {.times = 1, .raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal", .hang_up = true},
         "create attach start FAILED remove GONE ",
         "start: ",
         ERROR_UNAVAILABLE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage stage;

        stage_open(&stage);
        sim_script(&stage.sim, cases[i].op, cases[i].rule);
        stage_make(&stage);
        sim_until(&stage.sim, stage.gone);
        sim_traced(&stage.sim, cases[i].trace);
        if (cases[i].op != SIM_ATTACH && strstr(stage.error.text, cases[i].reason) == NULL)
            fail_msg("%zu: %s", i, stage.error.text);
        if (cases[i].op == SIM_ATTACH && strstr(stage.error.text, "the stream ended in state attaching") == NULL)
            fail_msg("%zu: %s", i, stage.error.text);
        assert_int_equal(stage.error.code, cases[i].code);
        assert_int_equal(sim_alive(&stage.sim), 0);
        stage_close(&stage);
    }
}

/* What the agent may say first instead of READY. */
static void test_bad_first_words(void **state)
{
    static const struct {
        int type;
        const char *payload;
        size_t len;
    } cases[] = {
        {FRAME_READY, "\6\0\0\0", 4},
        {FRAME_READY, "\5\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24}, /* version 5 */
        {FRAME_READY, "\6\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 25},
        {FRAME_PREPARED, "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16},
        {FRAME_DONE, "", 0},
        {FRAME_OUTPUT, "hi", 2},
        {255, "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage stage;
        char reason[64];

        stage_open(&stage);
        stage.sim.mute = true;
        stage_make(&stage);
        sim_until(&stage.sim, cell_state(stage.cell) == CELL_STARTING && stage.sim.counts[SIM_START] == 1);
        sim_frame(&stage.sim, sim_last(&stage.sim), cases[i].type, 0, 0, cases[i].payload, cases[i].len);
        sim_until(&stage.sim, stage.gone);
        sim_traced(&stage.sim, "create attach start FAILED remove GONE ");
        if (cases[i].type == FRAME_READY)
            snprintf(reason, sizeof reason, "unexpected READY in state starting");
        else
            snprintf(reason, sizeof reason, "unexpected frame of type %d in state starting", cases[i].type);
        assert_string_equal(stage.error.text, reason);
        stage_close(&stage);
    }
}

static void test_garbage_instead_of_frames(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage.sim.mute = true;
    stage_make(&stage);
    sim_until(&stage.sim, stage.sim.counts[SIM_START] == 1);
    sim_say(&stage.sim, sim_last(&stage.sim), "bash: /codecell/agent: not found\n", 33);
    sim_until(&stage.sim, stage.gone);
    assert_string_equal(stage.error.text, "invalid frame");
    stage_close(&stage);
}

static void test_stream_ends_before_ready(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage.sim.mute = true;
    stage_make(&stage);
    sim_until(&stage.sim, stage.sim.counts[SIM_START] == 1);
    sim_die(sim_last(&stage.sim));
    sim_until(&stage.sim, stage.gone);
    sim_traced(&stage.sim, "create attach start FAILED remove GONE ");
    assert_string_equal(stage.error.text, "the stream ended in state starting: end of file");
    stage_close(&stage);
}

static void test_stream_ends_while_waiting(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage_make_ready(&stage);
    sim_die(sim_last(&stage.sim));
    sim_until(&stage.sim, stage.gone);
    sim_traced(&stage.sim, "create attach start READY FAILED remove GONE ");
    assert_string_equal(stage.error.text, "the stream ended in state ready: end of file");
    stage_close(&stage);
}

static void test_word_while_waiting(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage_make_ready(&stage);
    sim_ready(&stage.sim, sim_last(&stage.sim)); /* once more */
    sim_until(&stage.sim, stage.gone);
    assert_string_equal(stage.error.text, "unexpected frame in state ready");
    stage_close(&stage);
}

/* Silence at each point: the deadline from creation to READY strikes. */
static void test_never_ready(void **state)
{
    static const struct {
        enum sim_op op;
        const char *name, *trace;
    } cases[] = {
        {SIM_CREATE, "creating", "create FAILED GONE "}, /* gone when the create call's own limit has come */
        {SIM_ATTACH, "attaching", "create attach FAILED remove GONE "},
        {SIM_START, "starting", "create attach start FAILED remove GONE "},
        {SIM_OPS, "starting", "create attach start FAILED remove GONE "}, /* the agent says nothing */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage stage;

        stage_open(&stage);
        stage.sim.mute = true;
        if (cases[i].op != SIM_OPS)
            sim_script(&stage.sim, cases[i].op, (struct sim_rule){.times = 1});
        stage_make(&stage);
        sim_until(&stage.sim, stage.sim.counts[cases[i].op == SIM_OPS ? SIM_START : cases[i].op] == 1);
        sim_idle(&stage.sim);
        sim_skip(&stage.sim, CELL_READY_MS - 5000);
        sim_idle(&stage.sim);
        assert_false(stage.ending);
        sim_skip(&stage.sim, 5100);
        sim_until(&stage.sim, stage.ending);
        char reason[64];
        snprintf(reason, sizeof reason, "not ready in time (state %s)", cases[i].name);
        if (cases[i].op != SIM_ATTACH && cases[i].op != SIM_START) /* their own limit ends milliseconds later */
            assert_string_equal(stage.error.text, reason);
        sim_skip(&stage.sim, CELL_CREATE_MS - CELL_READY_MS);
        sim_until(&stage.sim, stage.gone);
        sim_traced(&stage.sim, cases[i].trace);
        stage_close(&stage);
    }
}

/* READY may come before the answer of the start call; that answer may still be a refusal. */
static void test_ready_before_started(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    sim_hold(&stage.sim, SIM_START);
    stage_make(&stage);
    sim_until(&stage.sim, stage.sim.counts[SIM_START] == 1);
    sim_ready(&stage.sim, sim_last(&stage.sim));
    sim_until(&stage.sim, stage.ready);
    stage.sim.program = sim_hello;
    stage_run(&stage, NULL);
    sim_until(&stage.sim, stage.done);
    assert_int_equal(stage.outcome, CELL_DONE);
    stage.sim.mute = true;
    sim_release(&stage.sim, SIM_START);
    sim_idle(&stage.sim);
    assert_int_equal(cell_state(stage.cell), CELL_RUNNING); /* a late answer changes nothing */
    stage_end(&stage);
    stage_close(&stage);
}

/* The end by its taker, in each state. */
static void test_end_in_each_state(void **state)
{
    static const struct {
        enum sim_op held; /* what is under way then */
        enum cell_state in;
        const char *trace;
    } cases[] = {
        {SIM_ATTACH, CELL_ATTACHING, "create attach ENDING remove GONE "},
        {SIM_START, CELL_STARTING, "create attach start ENDING remove GONE "},
        {SIM_UPDATE, CELL_UPDATING, "create attach start READY update ENDING remove GONE "},
        {SIM_OPS, CELL_READY, "create attach start READY ENDING remove GONE "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage stage;
        struct cell_limits limits = stage_kind.limits;

        limits.memory_mb++;
        stage_open(&stage);
        if (cases[i].held != SIM_OPS)
            sim_hold(&stage.sim, cases[i].held);
        stage_make(&stage);
        if (cases[i].in >= CELL_READY)
            sim_until(&stage.sim, stage.ready);
        if (cases[i].in == CELL_UPDATING)
            stage_run(&stage, &limits);
        sim_until(&stage.sim, cell_state(stage.cell) == cases[i].in &&
                                  (cases[i].held == SIM_OPS || stage.sim.counts[cases[i].held] == 1));
        cell_end(stage.cell);
        cell_end(stage.cell); /* twice is once */
        sim_until(&stage.sim, stage.gone);
        sim_traced(&stage.sim, cases[i].trace);
        assert_int_equal(stage.error.code, ERROR_NONE);
        assert_false(stage.done);
        assert_int_equal(sim_alive(&stage.sim), 0);
        stage_close(&stage);
    }
}

/* Only the create call's answer brings the container's id, so the end waits for it. */
static void test_end_while_creating(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    sim_hold(&stage.sim, SIM_CREATE);
    stage_make(&stage);
    sim_until(&stage.sim, stage.sim.counts[SIM_CREATE] == 1);
    cell_end(stage.cell);
    sim_idle(&stage.sim);
    sim_traced(&stage.sim, "create ENDING ");
    assert_int_equal(sim_alive(&stage.sim), 1);
    sim_release(&stage.sim, SIM_CREATE);
    sim_until(&stage.sim, stage.gone);
    sim_traced(&stage.sim, "remove GONE ");
    assert_int_equal(sim_alive(&stage.sim), 0);
    stage_close(&stage);
}

static void test_end_before_the_first_turn(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage_make(&stage);
    cell_end(stage.cell);
    sim_until(&stage.sim, stage.gone);
    sim_traced(&stage.sim, "ENDING create remove GONE ");
    assert_int_equal(sim_alive(&stage.sim), 0);
    stage_close(&stage);
}

static void test_abandon_while_creating(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    sim_hold(&stage.sim, SIM_CREATE);
    stage_make(&stage);
    sim_until(&stage.sim, stage.sim.counts[SIM_CREATE] == 1);
    cell_abandon(stage.cell); /* not one that is not ending */
    assert_int_equal(cell_state(stage.cell), CELL_CREATING);
    cell_end(stage.cell);
    cell_abandon(stage.cell);
    sim_until(&stage.sim, stage.gone);
    sim_traced(&stage.sim, "create ENDING GONE ");
    stage_close(&stage);
}

/* Removing. */

static void test_removal_is_tried_again(void **state)
{
    static const int statuses[] = {500, 409};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;

        stage_open(&stage);
        stage_make_ready(&stage);
        sim_script(&stage.sim, SIM_REMOVE, (struct sim_rule){.times = 2, .status = statuses[i]});
        cell_end(stage.cell);
        uint64_t since_ns = seam()->monotonic_ns();
        sim_until(&stage.sim, stage.sim.counts[SIM_REMOVE] == 1);
        sim_until(&stage.sim, stage.sim.counts[SIM_REMOVE] == 2);
        assert_true(seam()->monotonic_ns() - since_ns >= 390000000); /* after a pause of 400 ms */
        sim_idle(&stage.sim);
        sim_skip(&stage.sim, 800);
        sim_until(&stage.sim, stage.gone);
        sim_traced(&stage.sim, "create attach start READY ENDING remove remove remove GONE ");
        assert_int_equal(sim_alive(&stage.sim), 0);
        stage_close(&stage);
    }
}

static void test_removal_is_given_up(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage_make_ready(&stage);
    sim_script(&stage.sim, SIM_REMOVE, (struct sim_rule){.times = 100, .status = 500});
    cell_end(stage.cell);
    for (unsigned i = 1; i <= CELL_REMOVE_TRIES; i++) {
        sim_until(&stage.sim, stage.sim.counts[SIM_REMOVE] == i);
        sim_idle(&stage.sim);
        sim_skip(&stage.sim, 10000);
    }
    sim_until(&stage.sim, stage.gone);
    assert_int_equal(stage.sim.counts[SIM_REMOVE], CELL_REMOVE_TRIES);
    stage_close(&stage);
}

static void test_removed_by_somebody_else(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage_make_ready(&stage);
    sim_script(&stage.sim, SIM_REMOVE, (struct sim_rule){.times = 1, .status = 404});
    cell_end(stage.cell);
    sim_until(&stage.sim, stage.gone);
    assert_int_equal(stage.sim.counts[SIM_REMOVE], 1);
    stage_close(&stage);
}

static void test_removal_without_engine(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage_make_ready(&stage);
    sim_go_away(&stage.sim);
    cell_end(stage.cell);
    sim_until(&stage.sim, stage.gone);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_happy_path),
        cmocka_unit_test(test_what_is_created),
        cmocka_unit_test(test_memory_of_both_steps),
        cmocka_unit_test(test_user_ids_differ),
        cmocka_unit_test(test_no_more_than_there_are_ids_for),
        cmocka_unit_test(test_failures_while_making),
        cmocka_unit_test(test_bad_first_words),
        cmocka_unit_test(test_garbage_instead_of_frames),
        cmocka_unit_test(test_stream_ends_before_ready),
        cmocka_unit_test(test_stream_ends_while_waiting),
        cmocka_unit_test(test_word_while_waiting),
        cmocka_unit_test(test_never_ready),
        cmocka_unit_test(test_ready_before_started),
        cmocka_unit_test(test_end_in_each_state),
        cmocka_unit_test(test_end_while_creating),
        cmocka_unit_test(test_end_before_the_first_turn),
        cmocka_unit_test(test_abandon_while_creating),
        cmocka_unit_test(test_removal_is_tried_again),
        cmocka_unit_test(test_removal_is_given_up),
        cmocka_unit_test(test_removed_by_somebody_else),
        cmocka_unit_test(test_removal_without_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
