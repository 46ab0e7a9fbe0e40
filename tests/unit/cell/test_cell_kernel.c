/* Jobs of a kernel in a cell: their code, what DONE says, and the kernel's end. */
#include "cell_stage.h"

static const char *const run[] = {"python3", "kernel", NULL};
static const char *const env[] = {NULL};

static void open_ready(struct stage *stage)
{
    stage_open(stage);
    stage_make_ready(stage);
}

static void end_close(struct stage *stage)
{
    stage_end(stage);
    stage_close(stage);
}

static void say_kernel(struct sim *sim, struct sim_box *box)
{
    sim_end(sim, box, FRAME_STEP_RUN, (struct frame_step_end){.flags = FRAME_KERNEL_NEW | FRAME_KERNEL_LIVES});
    sim_done_with(sim, box, &(struct frame_done){.kernel = true});
}

static void run_cell(struct stage *stage, const char *code, size_t len)
{
    const struct cell_job job = {
        .env = env,
        .run = {.argv = run, .timeout_ms = 1, .output_max = 1, .kernel = true, .code = code, .code_len = len}};

    stage->done = false;
    stage_run_job(stage, &job, NULL);
    sim_until(&stage->sim, stage->done);
    assert_int_equal(stage->outcome, CELL_DONE);
}

static void expect_frames(struct stage *stage, const char *lines)
{
    assert_string_equal(sim_last(&stage->sim)->job.data, lines);
}

/* CODE comes after START, and before the input. */
static void test_code(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage_give_input(&stage, "in", 2);
    stage.sim.program = say_kernel;
    run_cell(&stage, "1+1", 3);
    assert_true(cell_done(stage.cell)->kernel);
    assert_int_equal(stage.end.flags, FRAME_KERNEL_NEW | FRAME_KERNEL_LIVES);
    expect_frames(&stage, "STEP2 1 1 256M kernel python3 kernel\nSTART\nCODE 1+1\nSTDIN in\nSTDIN_END\n");
    end_close(&stage);
}

/* In pieces that each fit into a frame, all of it. */
static void test_much_code(void **state)
{
    const size_t len = (3u << 20) + 5;
    char *code = malloc(len);
    const struct cell_job job = {
        .env = env,
        .run = {.argv = run, .timeout_ms = 1, .output_max = 1, .kernel = true, .code = code, .code_len = len}};
    size_t sum = 0;
    struct stage stage;

    (void)state;
    assert_non_null(code);
    memset(code, 'c', len);
    open_ready(&stage);
    stage_run_job(&stage, &job, NULL);
    struct sim_box *box = sim_last(&stage.sim);
    sim_until(&stage.sim, box->job.len > 0 && strstr(box->job.data, "STDIN_END\n") != NULL);
    for (const char *line = strtok(box->job.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        size_t part = 0;
        if (strncmp(line, "CODE (", 6) == 0)
            part = strtoul(line + 6, NULL, 10);
        else if (strncmp(line, "CODE ", 5) == 0)
            part = strlen(line + 5);
        assert_true(part <= FRAME_PAYLOAD_MAX);
        sum += part;
    }
    assert_int_equal(sum, len);
    free(code);
    end_close(&stage);
}

/* A step that is no kernel's has none. */
static void test_code_of_a_plain_step(void **state)
{
    const struct cell_job job = {.env = env,
                                 .run = {.argv = run, .timeout_ms = 1, .output_max = 1, .code = "1", .code_len = 1}};
    struct stage stage;

    (void)state;
    open_ready(&stage);
    stage.sim.program = sim_hello;
    stage_run_job(&stage, &job, NULL);
    sim_until(&stage.sim, stage.done);
    expect_frames(&stage, "STEP2 1 1 256M python3 kernel\nSTART\nSTDIN_END\n");
    assert_false(cell_done(stage.cell)->kernel);
    end_close(&stage);
}

/* Sent once, between two jobs, after the end of the first one's input. */
static void test_kernel_end(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    cell_kernel_end(stage.cell); /* there is none */
    stage.sim.program = say_kernel;
    run_cell(&stage, "1", 1);
    cell_kernel_end(stage.cell);
    cell_kernel_end(stage.cell);
    assert_false(cell_done(stage.cell)->kernel);
    stage.sim.program = sim_hello;
    run_cell(&stage, "2", 1);
    expect_frames(&stage, "STEP2 1 1 256M kernel python3 kernel\nSTART\nCODE 1\nSTDIN_END\n"
                          "KERNEL_END\n"
                          "STEP2 1 1 256M kernel python3 kernel\nSTART\nCODE 2\nSTDIN_END\n");
    cell_kernel_end(stage.cell); /* sim_hello leaves none */
    attach_close(stage.cell->attach);
    stage.cell->attach = NULL;
    cell_kernel_end(stage.cell); /* and after the stream's end nobody hears it */
    end_close(&stage);
}

/* A change that one job reports is not forgotten when the next one changes nothing. */
static void test_changes(void **state)
{
    struct stage stage;

    (void)state;
    open_ready(&stage);
    assert_false(cell_take_changed(stage.cell));
    cell_watch(stage.cell);
    stage.sim.program = sim_hello; /* files have changed */
    run_cell(&stage, "", 0);
    stage.sim.program = say_kernel; /* they have not */
    run_cell(&stage, "", 0);
    assert_false(cell_done(stage.cell)->changed);
    assert_true(cell_take_changed(stage.cell));
    assert_false(cell_take_changed(stage.cell));
    run_cell(&stage, "", 0);
    assert_false(cell_take_changed(stage.cell));
    assert_non_null(strstr(sim_last(&stage.sim)->job.data, "STEP2 1 1 256M kernel changes python3 kernel\n"));
    end_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code),
        cmocka_unit_test(test_much_code),
        cmocka_unit_test(test_code_of_a_plain_step),
        cmocka_unit_test(test_kernel_end),
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
