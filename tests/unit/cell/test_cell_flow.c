/* Standard input that is fed while a job runs, and output that is held back. */
#include "cell_stage.h"

#define DEADLINE_MS (2000 + CELL_GRACE_MS) /* of stage_job */

static void open_ready(struct stage *stage)
{
    stage_open(stage);
    stage_make_ready(stage);
    buf_reset(&stage->sim.trace);
}

static void end_close(struct stage *stage)
{
    stage_end(stage);
    stage_close(stage);
}

static bool has_come(struct stage *stage, const char *line)
{
    const struct buf *job = &sim_last(&stage->sim)->job;

    return job->len > 0 && strstr(job->data, line) != NULL;
}

/* Bytes of standard input that the agent has read. */
static size_t input_come(struct stage *stage)
{
    size_t sum = 0;

    for (const char *at = sim_last(&stage->sim)->job.data; at != NULL && (at = strstr(at, "STDIN (")) != NULL; at++)
        sum += strtoul(at + 7, NULL, 10);
    return sum;
}

/* Input. */

static void test_input_in_pieces(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.feeds_itself = true;
    stage_run(&stage, NULL);
    assert_int_equal(stage.wanted, 1); /* from within cell_run() */
    sim_until(&stage.sim, has_come(&stage, "START\n"));
    assert_int_equal(cell_input(stage.cell, "one", 3), 3);
    sim_until(&stage.sim, has_come(&stage, "STDIN one\n"));
    assert_int_equal(cell_input(stage.cell, "two", 3), 3);
    assert_int_equal(cell_input(stage.cell, "three", 5), 5);
    assert_int_equal(cell_input(stage.cell, "", 0), 0);
    cell_input_end(stage.cell);
    sim_until(&stage.sim, has_come(&stage, "STDIN_END\n"));
    assert_string_equal(strstr(sim_last(&stage.sim)->job.data, "START\n"),
                        "START\nSTDIN one\nSTDIN two\nSTDIN three\nSTDIN_END\n");
    assert_int_equal(stage.wanted, 1); /* everything was taken at once */
    end_close(&stage);
}

/* A job without on_input_wanted has no input. */
static void test_no_input(void **state)
{
    static const struct cell_events events = {
        .on_output = stage_on_output, .on_step_end = stage_on_step_end, .on_done = stage_on_done};
    struct stage stage;

    (void)state;
    open_ready(&stage);
    cell_run(stage.cell, &stage_job, NULL, &events, &stage);
    assert_int_equal(cell_input(stage.cell, "x", 1), 1); /* dropped */
    cell_input_end(stage.cell);
    sim_until(&stage.sim, has_come(&stage, "STDIN_END\n"));
    assert_false(has_come(&stage, "STDIN x"));
    end_close(&stage);
}

/* Input is refused while the cell's limits are changed, and asked for after that; its end is remembered. */
static void test_input_before_the_job_is_sent(void **state)
{
    static const bool ends[] = {false, true};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct cell_limits limits = stage_kind.limits;
        struct stage stage;

        open_ready(&stage);
        stage.feeds_itself = true;
        limits.processes++;
        stage_run(&stage, &limits);
        assert_int_equal(cell_state(stage.cell), CELL_UPDATING);
        assert_int_equal(cell_input(stage.cell, "early", 5), 0);
        if (ends[i])
            cell_input_end(stage.cell);
        sim_until(&stage.sim, has_come(&stage, "START\n"));
        assert_int_equal(stage.wanted, ends[i] ? 0 : 1);
        assert_int_equal(cell_input(stage.cell, "now", 3), 3);
        cell_input_end(stage.cell);
        sim_until(&stage.sim, has_come(&stage, "STDIN_END\n"));
        assert_int_equal(has_come(&stage, "START\nSTDIN now\nSTDIN_END\n"), !ends[i]);
        end_close(&stage);
    }
}

/* Input is dropped after its end, after the program's end, and after the job. */
static void test_input_too_late(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.feeds_itself = true;
    stage_run(&stage, NULL);
    sim_until(&stage.sim, has_come(&stage, "START\n"));
    sim_end(&stage.sim, sim_last(&stage.sim), FRAME_STEP_RUN, (struct frame_step_end){.exit_code = 3});
    sim_until(&stage.sim, stage.end.exit_code == 3);
    assert_int_equal(cell_input(stage.cell, "late", 4), 4);
    cell_input_end(stage.cell);
    sim_done(&stage.sim, sim_last(&stage.sim));
    sim_until(&stage.sim, stage.done);
    assert_int_equal(cell_input(stage.cell, "late", 4), 4);
    cell_input_end(stage.cell);
    sim_idle(&stage.sim);
    assert_false(has_come(&stage, "STDIN late"));
    assert_int_equal(stage.wanted, 1);
    stage.ready = false;
    cell_reset(stage.cell); /* sends the end of the input, which the agent waits for */
    sim_until(&stage.sim, stage.ready);
    assert_true(has_come(&stage, "START\nSTDIN_END\nRESET\n"));
    assert_int_equal(cell_input(stage.cell, "late", 4), 4);
    end_close(&stage);
}

/* Feeds pieces until one is not taken wholly. Returns how much was taken. */
static size_t feed_until_refused(struct stage *stage, const char *bytes, size_t piece)
{
    for (size_t fed = 0;;) {
        size_t taken = cell_input(stage->cell, bytes, piece);
        assert_true(taken <= CELL_INPUT_MAX);
        assert_true(attach_queued(stage->cell->attach) <= ATTACH_LOW + CELL_INPUT_MAX + (size_t)3 * FRAME_HEADER);
        fed += taken;
        if (taken < piece)
            return fed;
    }
}

/* The agent reads nothing: little is taken. It reads again: the rest is asked for. */
static void test_input_has_back_pressure(void **state)
{
    static const size_t pieces[] = {1, 1000, 100000, 16u << 20};
    size_t size = 16u << 20;
    char *bytes = malloc(size);

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'x', size);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct stage stage;
        size_t fed = 0;

        open_ready(&stage);
        stage.feeds_itself = true;
        stage_run(&stage, NULL);
        sim_until(&stage.sim, has_come(&stage, "START\n"));
        struct fake_client *client = sim_last(&stage.sim)->client;
        fake_stop_reading(client);
        while (stage.wanted > 0) { /* as long as the sockets' buffers have room */
            stage.wanted = 0;
            fed += feed_until_refused(&stage, bytes, pieces[i]);
            assert_int_equal(cell_input(stage.cell, bytes, 1), 0);
            sim_idle(&stage.sim);
        }
        assert_true(fed > 0 && fed < size / 2);
        fake_read_again(client);
        sim_until(&stage.sim, stage.wanted == 1);
        cell_input_end(stage.cell);
        sim_until(&stage.sim, has_come(&stage, "STDIN_END\n"));
        if (pieces[i] > 64) /* such are counted */
            assert_int_equal(input_come(&stage), fed);
        end_close(&stage);
    }
    free(bytes);
}

static void end_cell(void *arg)
{
    cell_end(((struct stage *)arg)->cell);
}

/* The taker may end the cell when it is asked for input. */
static void test_end_when_input_is_wanted(void **state)
{
    static const struct cell_events events = {.on_output = stage_on_output,
                                              .on_step_end = stage_on_step_end,
                                              .on_done = stage_on_done,
                                              .on_input_wanted = end_cell};
    struct stage stage;

    (void)state;
    open_ready(&stage);
    cell_run(stage.cell, &stage_job, NULL, &events, &stage);
    sim_until(&stage.sim, stage.gone);
    assert_false(stage.done);
    stage_close(&stage);
}

/* Holding. */

#define MUCH_FRAMES 100u

static void say_much(struct sim *sim, struct sim_box *box)
{
    char *text = malloc(FRAME_PAYLOAD_MAX);

    assert_non_null(text);
    for (unsigned i = 0; i < MUCH_FRAMES; i++) {
        memset(text, 'a' + (int)(i % 26), FRAME_PAYLOAD_MAX);
        sim_frame(sim, box, FRAME_OUTPUT, FRAME_STEP_RUN, FRAME_STDOUT, text, FRAME_PAYLOAD_MAX);
    }
    free(text);
    sim_hello(sim, box);
}

/* A held cell is not read from, so what the program says stays in the engine. */
static void test_hold_has_back_pressure(void **state)
{
    static const size_t pieces[] = {0, 65536, 1000};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct stage stage;

        open_ready(&stage);
        stage.sim.piece = pieces[i];
        stage.sim.program = say_much;
        stage.hold_at = 1;
        stage_run(&stage, NULL);
        for (unsigned f = 1; f <= 3; f++) {
            sim_until(&stage.sim, stage.output.len == (size_t)f * FRAME_PAYLOAD_MAX);
            sim_idle(&stage.sim);
            assert_int_equal(stage.output.len, (size_t)f * FRAME_PAYLOAD_MAX); /* one frame each time */
            assert_true(stage.cell->frames.len <= CELL_FRAMES_MAX);
            assert_true(fake_unsent(sim_last(&stage.sim)->client) > (size_t)MUCH_FRAMES / 2 * FRAME_PAYLOAD_MAX);
            cell_hold(stage.cell, false);
            assert_int_equal(stage.output.len, (size_t)f * FRAME_PAYLOAD_MAX); /* not within the call */
        }
        stage.hold_at = 0;
        sim_until(&stage.sim, stage.done);
        assert_int_equal(stage.output.len, MUCH_FRAMES * FRAME_PAYLOAD_MAX + 6);
        for (unsigned f = 0; f < MUCH_FRAMES; f++) {
            assert_int_equal(stage.output.data[(size_t)f * FRAME_PAYLOAD_MAX], 'a' + f % 26);
            assert_int_equal(stage.output.data[((size_t)f + 1) * FRAME_PAYLOAD_MAX - 1], 'a' + f % 26);
        }
        end_close(&stage);
    }
}

static void say_hello_at_once(struct sim *sim, struct sim_box *box)
{
    static const char text[] = {FRAME_OUTPUT,
                                2,
                                1,
                                0,
                                2,
                                0,
                                0,
                                0,
                                'h',
                                'i',
                                FRAME_OUTPUT,
                                2,
                                1,
                                0,
                                2,
                                0,
                                0,
                                0,
                                'h',
                                'o',
                                FRAME_DONE,
                                0,
                                0,
                                0,
                                8,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                1,
                                0,
                                0,
                                0};

    box->done = true;
    sim_say(sim, box, text, sizeof text);
}

/* Frames that one read brought wait too, also the last. */
static void test_hold_with_all_read(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.sim.program = say_hello_at_once;
    stage.hold_at = 1;
    stage_run(&stage, NULL);
    sim_until(&stage.sim, stage.output.len > 0);
    sim_idle(&stage.sim);
    sim_traced(&stage.sim, "out:hi ");
    cell_hold(stage.cell, false);
    cell_hold(stage.cell, true); /* before the turn at which it would go on */
    sim_idle(&stage.sim);
    assert_int_equal(stage.output.len, 2);
    cell_hold(stage.cell, false);
    sim_until(&stage.sim, stage.output.len == 4);
    sim_idle(&stage.sim);
    sim_traced(&stage.sim, "out:ho ");
    cell_hold(stage.cell, false);
    sim_until(&stage.sim, stage.done);
    sim_traced(&stage.sim, "DONE:0 ");
    cell_hold(stage.cell, true); /* nothing to hold */
    stage.ready = false;
    cell_reset(stage.cell);
    sim_until(&stage.sim, stage.ready);
    end_close(&stage);
}

/* A held cell is not unresponsive; when it goes on, its deadline begins anew. */
static void test_hold_stops_the_deadline(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage_run(&stage, NULL);
    cell_hold(stage.cell, true);
    sim_idle(&stage.sim);
    sim_skip(&stage.sim, (uint64_t)10 * DEADLINE_MS);
    sim_idle(&stage.sim);
    assert_false(stage.done);
    cell_hold(stage.cell, false);
    sim_idle(&stage.sim);
    sim_skip(&stage.sim, DEADLINE_MS - 3000);
    sim_idle(&stage.sim);
    assert_false(stage.done);
    sim_skip(&stage.sim, 3100);
    sim_until(&stage.sim, stage.done);
    assert_int_equal(stage.outcome, CELL_UNRESPONSIVE);
    end_close(&stage);
}

/* Held while its limits are changed, it starts and is not read from. */
static void test_hold_before_the_start(void **state)
{
    static const bool goes_on[] = {false, true};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct cell_limits limits = stage_kind.limits;
        struct stage stage;

        open_ready(&stage);
        stage.sim.program = sim_hello;
        limits.processes++;
        stage_run(&stage, &limits);
        cell_hold(stage.cell, true);
        if (goes_on[i])
            cell_hold(stage.cell, false);
        sim_until(&stage.sim, has_come(&stage, "STDIN_END\n"));
        sim_idle(&stage.sim);
        assert_int_equal(stage.done, goes_on[i]);
        cell_hold(stage.cell, false);
        sim_until(&stage.sim, stage.done);
        sim_traced(&stage.sim, "update out:hello end:0 DONE:0 ");
        end_close(&stage);
    }
}

/* The stream's end is noticed when the cell goes on; the engine's end at once. */
static void test_ends_while_held(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage_run(&stage, NULL);
    sim_until(&stage.sim, has_come(&stage, "STDIN_END\n"));
    cell_hold(stage.cell, true);
    stage.sim.oom_killed = true;
    sim_die(sim_last(&stage.sim));
    sim_idle(&stage.sim);
    assert_false(stage.done);
    cell_hold(stage.cell, false);
    sim_until(&stage.sim, stage.done);
    assert_int_equal(stage.outcome, CELL_OUT_OF_MEMORY);
    end_close(&stage);
}

static void test_end_a_held_cell(void **state)
{
    static const bool goes_on[] = {false, true};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;

        open_ready(&stage);
        stage.sim.program = say_much;
        stage.hold_at = 1;
        stage_run(&stage, NULL);
        sim_until(&stage.sim, stage.output.len > 0);
        if (goes_on[i])
            cell_hold(stage.cell, false);
        stage_end(&stage);
        assert_false(stage.done);
        stage_close(&stage);
    }
}

/* Orders. */

static void order_all(struct stage *stage)
{
    cell_signal(stage->cell, 2);
    cell_resize(stage->cell, &(struct frame_size){100, 50});
}

/* They come in the order of the input, before and after its end, and not before START or after the job. */
static void test_orders(void **state)
{
    struct cell_limits limits = stage_kind.limits;
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.feeds_itself = true;
    order_all(&stage);
    limits.processes++;
    stage_run(&stage, &limits);
    order_all(&stage); /* the limits are being changed */
    sim_until(&stage.sim, has_come(&stage, "START\n"));
    cell_input(stage.cell, "one", 3);
    order_all(&stage);
    cell_input_end(stage.cell);
    order_all(&stage);
    sim_until(&stage.sim, has_come(&stage, "STDIN_END\nSIGNAL 2\nRESIZE 100 50\n"));
    assert_string_equal(strstr(sim_last(&stage.sim)->job.data, "START\n"),
                        "START\nSTDIN one\nSIGNAL 2\nRESIZE 100 50\nSTDIN_END\nSIGNAL 2\nRESIZE 100 50\n");
    sim_hello(&stage.sim, sim_last(&stage.sim));
    sim_until(&stage.sim, stage.done);
    order_all(&stage);
    sim_idle(&stage.sim);
    assert_null(strstr(strstr(sim_last(&stage.sim)->job.data, "STDIN_END\n") + 30, "SIGNAL 2\nRESIZE 100 50\nSIGNAL"));
    end_close(&stage);
}

/* However many are given while nothing is read, a bounded number waits. */
static void test_orders_are_bounded(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.feeds_itself = true;
    stage_run(&stage, NULL);
    sim_until(&stage.sim, has_come(&stage, "START\n"));
    struct fake_client *client = sim_last(&stage.sim)->client;
    fake_stop_reading(client);
    for (int i = 0; i < 1000000; i++)
        cell_signal(stage.cell, 2);
    assert_true(attach_queued(stage.cell->attach) <= ATTACH_LOW + CELL_INPUT_MAX + CELL_ORDERS_MAX + FRAME_HEADER + 4);
    fake_read_again(client);
    end_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_input_in_pieces),
        cmocka_unit_test(test_no_input),
        cmocka_unit_test(test_input_before_the_job_is_sent),
        cmocka_unit_test(test_input_too_late),
        cmocka_unit_test(test_input_has_back_pressure),
        cmocka_unit_test(test_end_when_input_is_wanted),
        cmocka_unit_test(test_hold_has_back_pressure),
        cmocka_unit_test(test_hold_with_all_read),
        cmocka_unit_test(test_hold_stops_the_deadline),
        cmocka_unit_test(test_hold_before_the_start),
        cmocka_unit_test(test_ends_while_held),
        cmocka_unit_test(test_end_a_held_cell),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_orders_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
