/* One capsule after the other in a cell: how READY is said, what OPEN answers, and a job that needs another /tmp. */
#include "cell_stage.h"

#include <errno.h>

static void open_ready(struct stage *stage)
{
    stage_open(stage);
    stage->sim.ready_bytes = 3u << 20;
    stage->sim.program = sim_hello;
    stage_make_ready(stage);
    buf_reset(&stage->sim.trace);
}

static void end_close(struct stage *stage)
{
    stage_end(stage);
    stage_close(stage);
}

static void run_until_done(struct stage *stage, const struct cell_limits *limits)
{
    stage->done = false;
    stage_run(stage, limits);
    sim_until(&stage->sim, stage->done);
}

static void reset(struct stage *stage)
{
    stage->ready = false;
    cell_reset(stage->cell);
}

static void gone_because(struct stage *stage, const char *reason)
{
    sim_until(&stage->sim, stage->gone);
    assert_string_equal(stage->error.text, reason);
    assert_int_equal(sim_alive(&stage->sim), 0);
    stage_close(stage);
}

/* Each capsule is opened with the cell's disk, and the cell knows what the container holds by then. */
static void test_one_after_the_other(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    struct sim_box *box = sim_last(&stage.sim);
    assert_non_null(strstr(stage.sim.last_body[SIM_CREATE], "\"Entrypoint\":[\"/codecell/agent\",\"capsules\"]"));
    for (uint64_t i = 1; i <= 5; i++) {
        sim_until(&stage.sim, box->tmp_bytes != 0);
        assert_int_equal(box->tmp_bytes, (uint64_t)stage_kind.limits.disk_mb << 20);
        assert_int_equal(cell_held_bytes(stage.cell), (2 + i) << 20);
        run_until_done(&stage, NULL);
        stage.sim.ready_bytes += 1u << 20;
        reset(&stage);
        sim_until(&stage.sim, stage.ready);
    }
    assert_int_equal(box->resets, 5);
    assert_int_equal(cell_jobs(stage.cell), 5);
    end_close(&stage);
}

static void test_plain_cells_have_no_argument(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage.cells.capsules = false;
    stage_make_ready(&stage);
    assert_non_null(strstr(stage.sim.last_body[SIM_CREATE], "\"Entrypoint\":[\"/codecell/agent\"]"));
    assert_non_null(strstr(stage.sim.last_body[SIM_CREATE], "\"PidsLimit\":33,")); /* no keeper's share */
    end_close(&stage);
}

/* An unused capsule can be reset, too, also while its interpreter is being started: then PREPARED may still come. */
static void test_reset_without_a_job(void **state)
{
    static const enum sim_word words[] = {SIM_GOOD, SIM_SILENT};
    static const struct frame_ready ready = {FRAME_VERSION, 77, 0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;

        open_ready(&stage);
        stage.sim.on_prepare = words[i];
        reset(&stage);
        sim_until(&stage.sim, stage.ready);
        cell_prewarm(stage.cell);
        stage.sim.on_reset = SIM_SILENT;
        reset(&stage);
        struct sim_box *box = sim_last(&stage.sim);
        sim_until(&stage.sim, box->resets == 2);
        if (words[i] == SIM_SILENT)
            sim_prepared(&stage.sim, box, true, 1);
        box->number = 77;
        box->tmp_bytes = 0;
        sim_ready_on(&stage.sim, box, SIM_STDERR, &ready);
        sim_idle(&stage.sim);
        assert_false(stage.ready);
        sim_ready_on(&stage.sim, box, SIM_STDOUT, &ready);
        sim_until(&stage.sim, stage.ready);
        assert_int_equal(cell_warmth(stage.cell), CELL_BLANK);
        assert_false(stage.prepared);
        run_until_done(&stage, NULL);
        end_close(&stage);
    }
}

/* READY in any pieces: each byte may come alone on both streams. */
static void test_in_pieces(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage.sim.piece = 1;
    stage.sim.program = sim_hello;
    stage_make_ready(&stage);
    run_until_done(&stage, NULL);
    reset(&stage);
    sim_until(&stage.sim, stage.ready);
    end_close(&stage);
}

/* An agent that a program has taken over says READY itself, before or after the keeper's word, with the number that it
 * knows or a guess; or it begins a frame that the keeper's READY would be a part of. The server opens nothing. */
static void test_forged_ready(void **state)
{
    enum { ITS_OWN, GUESSED, TWICE, BEGUN, KINDS };
    static const char *const reasons[KINDS] = {
        "READY has another number on each stream", "READY has another number on each stream",
        "unexpected READY in state resetting", "unexpected frame of type 65 in state resetting"};
    static const struct frame_ready keepers = {FRAME_VERSION, 77, 0};

    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (int late = 0; late < 2; late++) {
            uint8_t begun[FRAME_HEADER];
            struct stage stage;

            open_ready(&stage);
            run_until_done(&stage, NULL);
            stage.sim.on_reset = SIM_SILENT;
            reset(&stage);
            struct sim_box *box = sim_last(&stage.sim);
            sim_until(&stage.sim, box->resets == 1);
            box->tmp_bytes = 0;
            const struct frame_ready forged = {FRAME_VERSION, kind == GUESSED ? 76 : box->number, 0};
            if (late)
                sim_ready_on(&stage.sim, box, SIM_STDERR, &keepers);
            if (kind == BEGUN) {
                frame_header(begun, FRAME_OUTPUT, FRAME_STEP_RUN, FRAME_STDOUT, FRAME_HEADER + FRAME_READY_SIZE);
                sim_say(&stage.sim, box, (const char *)begun, sizeof begun);
                sim_ready_on(&stage.sim, box, SIM_STDOUT, &keepers);
            } else {
                sim_ready_on(&stage.sim, box, SIM_STDOUT, &forged);
                if (kind == TWICE)
                    sim_ready_on(&stage.sim, box, SIM_STDOUT, &forged);
            }
            if (!late)
                sim_ready_on(&stage.sim, box, SIM_STDERR, &keepers);
            sim_until(&stage.sim, stage.gone);
            assert_int_equal(box->tmp_bytes, 0);
            assert_false(stage.ready);
            gone_because(&stage, reasons[kind == TWICE && late ? ITS_OWN : kind]);
        }
}

/* Another disk_mb: the capsule is made anew before the job, and the container's memory limit follows. */
static void test_another_disk(void **state)
{
    static const enum cell_warmth warm[] = {CELL_BLANK, CELL_PREWARMED};
    struct cell_limits limits = stage_kind.limits;

    (void)state;
    limits.disk_mb += 100;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;

        open_ready(&stage);
        struct sim_box *box = sim_last(&stage.sim);
        if (warm[i] == CELL_PREWARMED) {
            cell_prewarm(stage.cell);
            sim_until(&stage.sim, stage.prepared);
            buf_reset(&stage.sim.trace);
        }
        stage.ready = false;
        run_until_done(&stage, &limits);
        sim_traced(&stage.sim, "reset update out:hello end:0 DONE:0 ");
        assert_false(stage.ready); /* only the job waited for it */
        assert_int_equal(box->tmp_bytes, (uint64_t)limits.disk_mb << 20);
        char memory[64];
        snprintf(memory, sizeof memory, "\"Memory\":%lld,", (long long)cell_memory_bytes(&stage_kind, &limits));
        assert_non_null(strstr(stage.sim.last_body[SIM_UPDATE], memory));
        assert_int_equal(cell_limits(stage.cell)->disk_mb, limits.disk_mb);
        reset(&stage);
        sim_until(&stage.sim, stage.ready);
        run_until_done(&stage, &limits); /* it has this size now */
        sim_traced(&stage.sim, "reset READY out:hello end:0 DONE:0 ");
        end_close(&stage);
    }
}

/* The job is lost if its capsule cannot be made, and the taker ends the cell. */
static void test_another_disk_fails(void **state)
{
    static const enum sim_word words[] = {SIM_BAD, SIM_DEATH, SIM_SILENT};
    struct cell_limits limits = stage_kind.limits;

    (void)state;
    limits.disk_mb += 100;
    for (size_t i = 0; i < 3; i++) {
        struct stage stage;

        open_ready(&stage);
        stage.sim.on_reset = words[i];
        stage.done = false;
        stage_run(&stage, &limits);
        if (words[i] == SIM_SILENT) {
            sim_until(&stage.sim, sim_last(&stage.sim)->resets == 1);
            sim_skip(&stage.sim, CELL_RESET_MS + 100);
        }
        sim_until(&stage.sim, stage.done);
        assert_int_equal(stage.outcome, CELL_LOST);
        end_close(&stage);
    }
}

/* What the keeper says of a step that failed is the cell's error: before READY, and after OPEN. */
static void test_failed_stages(void **state)
{
    static const struct {
        uint32_t stage;
        int error;
        const char *text;
    } cases[] = {
        {FRAME_STAGE_CLONE, ENOSPC, "no capsule: stage clone: ENOSPC"},
        {FRAME_STAGE_LOCK, EPERM, "no capsule: stage lock: EPERM"},
        {FRAME_STAGES, 9999, "no capsule: stage unknown: unknown error"},
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        struct stage stage;

        stage_open(&stage);
        stage.sim.mute = i % 2 == 0;
        stage_make(&stage);
        if (i % 2 == 0)
            sim_until(&stage.sim, cell_state(stage.cell) == CELL_STARTING && stage.sim.counts[SIM_START] == 1);
        else
            sim_until(&stage.sim, stage.ready);
        sim_no_capsule(&stage.sim, sim_last(&stage.sim), cases[i / 2].stage, cases[i / 2].error);
        gone_because(&stage, cases[i / 2].text);
    }
}

/* What a runtime says on standard error when it cannot start the agent. */
static void test_text_on_stderr(void **state)
{
    static const char text[] = "exec /codecell/agent: no such file or directory\n";
    struct stage stage;

    (void)state;
    stage_open(&stage);
    stage.sim.mute = true;
    stage_make(&stage);
    sim_until(&stage.sim, cell_state(stage.cell) == CELL_STARTING && stage.sim.counts[SIM_START] == 1);
    sim_say_on(&stage.sim, sim_last(&stage.sim), SIM_STDERR, text, sizeof text - 1);
    gone_because(&stage, "what came on the container's standard error is not a frame");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_after_the_other), cmocka_unit_test(test_plain_cells_have_no_argument),
        cmocka_unit_test(test_reset_without_a_job), cmocka_unit_test(test_in_pieces),
        cmocka_unit_test(test_forged_ready),        cmocka_unit_test(test_another_disk),
        cmocka_unit_test(test_another_disk_fails),  cmocka_unit_test(test_failed_stages),
        cmocka_unit_test(test_text_on_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
