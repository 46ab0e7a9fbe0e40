#include "cell_stage.h"

const char *const stage_prewarm_env[] = {"LANG=C.UTF-8", "A=b", NULL};

static const char *const stage_prewarm_argv[] = {"python3", "main.py", NULL};

const struct cell_kind stage_kind = {
    .language = "python",
    .image = "codecell-python",
    .limits = {.milli_cpus = 500, .memory_mb = 256, .disk_mb = 50, .processes = 32},
    .prewarm_env = stage_prewarm_env,
    .prewarm_argv = stage_prewarm_argv,
};

static void stage_on_ready(void *arg, struct cell *cell)
{
    struct stage *stage = arg;

    (void)cell;
    stage->ready = true;
    buf_puts(&stage->sim.trace, "READY ");
}

static void stage_on_prepared(void *arg, struct cell *cell)
{
    struct stage *stage = arg;

    assert_int_equal(cell_state(cell), CELL_READY);
    stage->prepared = true;
    buf_puts(&stage->sim.trace, cell_warmth(cell) == CELL_PREWARMED ? "HELD " : "UNHELD ");
}

static void stage_on_ending(void *arg, struct cell *cell, const struct error *error)
{
    struct stage *stage = arg;

    assert_int_equal(cell_state(cell), CELL_ENDING);
    stage->ending = true;
    stage->error = *error;
    buf_puts(&stage->sim.trace, error->code == ERROR_NONE ? "ENDING " : "FAILED ");
}

static void stage_on_gone(void *arg, struct cell *cell)
{
    struct stage *stage = arg;

    assert_int_equal(cell_state(cell), CELL_GONE);
    stage->gone = true;
    buf_puts(&stage->sim.trace, "GONE ");
}

void stage_open(struct stage *stage)
{
    memset(stage, 0, sizeof *stage);
    sim_open(&stage->sim);
    cells_init(&stage->cells, &stage->sim.loop, stage->sim.engine, "me", "codecell-agent-me");
    stage->cells.capsules = true;
    stage->owner = (struct cell_owner){.on_ready = stage_on_ready,
                                       .on_prewarmed = stage_on_prepared,
                                       .on_ending = stage_on_ending,
                                       .on_gone = stage_on_gone,
                                       .arg = stage};
    buf_init(&stage->output, FAKE_BYTES_MAX);
}

void stage_close(struct stage *stage)
{
    assert_int_equal(stage->cells.count, 0);
    assert_null(cells_first(&stage->cells));
    cells_close(&stage->cells, NULL);
    buf_free(&stage->output);
    sim_close(&stage->sim);
}

void stage_make(struct stage *stage)
{
    stage->ready = stage->prepared = stage->gone = stage->ending = stage->done = false;
    stage->cell = cell_make(&stage->cells, &stage_kind, &stage_kind.limits, &stage->owner);
    assert_non_null(stage->cell);
}

void stage_make_ready(struct stage *stage)
{
    stage_make(stage);
    sim_until(&stage->sim, stage->ready);
}

void stage_end(struct stage *stage)
{
    cell_end(stage->cell);
    sim_until(&stage->sim, stage->gone);
}

void stage_on_output(void *arg, enum frame_step step, enum frame_channel channel, const uint8_t *data, size_t len)
{
    struct stage *stage = arg;

    assert_false(stage->done);
    assert_true(step == FRAME_STEP_RUN || step == FRAME_STEP_COMPILE);
    buf_append(&stage->output, data, len);
    if (stage->hold_at > 0 && stage->output.len >= stage->hold_at)
        cell_hold(stage->cell, true);
    if (len <= 64)
        buf_printf(&stage->sim.trace, "%s:%.*s ",
                   channel == FRAME_STDOUT   ? "out"
                   : channel == FRAME_STDERR ? "err"
                                             : "result",
                   (int)(len > 0 && data[len - 1] == '\n' ? len - 1 : len), (const char *)data);
}

void stage_on_step_end(void *arg, enum frame_step step, const struct frame_step_end *end)
{
    struct stage *stage = arg;

    (void)step;
    assert_false(stage->done);
    stage->end = *end;
    buf_printf(&stage->sim.trace, "end:%u ", end->exit_code);
}

void stage_on_done(void *arg, enum cell_outcome outcome)
{
    struct stage *stage = arg;

    assert_false(stage->done);
    stage->done = true;
    stage->outcome = outcome;
    buf_printf(&stage->sim.trace, "DONE:%d ", (int)outcome);
    if (stage->end_at_done)
        cell_end(stage->cell);
}

static void stage_on_input_wanted(void *arg)
{
    struct stage *stage = arg;

    assert_false(stage->done);
    stage->wanted++;
    if (stage->feeds_itself)
        return;
    if (stage->input_fed < stage->input_len)
        stage->input_fed +=
            cell_input(stage->cell, stage->input + stage->input_fed, stage->input_len - stage->input_fed);
    if (stage->input_fed == stage->input_len)
        cell_input_end(stage->cell);
}

const struct cell_events stage_events = {.on_output = stage_on_output,
                                         .on_step_end = stage_on_step_end,
                                         .on_input_wanted = stage_on_input_wanted,
                                         .on_done = stage_on_done};

const char *const stage_argv[] = {"python3", "main.py", NULL};

const char *const stage_env[] = {"A=b", NULL};

const struct cell_job stage_job = {.env = stage_env,
                                   .run = {.argv = stage_argv, .timeout_ms = 2000, .output_max = 1024}};

void stage_run_job(struct stage *stage, const struct cell_job *job, const struct cell_limits *limits)
{
    stage->input_fed = 0;
    cell_run(stage->cell, job, limits, &stage_events, stage);
}

void stage_give_input(struct stage *stage, const char *input, size_t len)
{
    stage->input = input;
    stage->input_len = len;
}

void stage_run(struct stage *stage, const struct cell_limits *limits)
{
    stage_run_job(stage, &stage_job, limits);
}

void stage_open_ready(struct stage *stage)
{
    stage_open(stage);
    stage->sim.held_bytes = 9u << 20;
    stage->sim.program = sim_hello;
    stage_make_ready(stage);
    buf_reset(&stage->sim.trace);
}

void stage_run_until_done(struct stage *stage, const struct cell_limits *limits)
{
    stage->done = false;
    stage_run(stage, limits);
    sim_until(&stage->sim, stage->done);
}

void stage_reset(struct stage *stage)
{
    stage->ready = false;
    cell_reset(stage->cell);
    assert_int_equal(cell_state(stage->cell), CELL_RESETTING);
}
