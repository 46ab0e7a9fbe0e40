#include "pool_stage.h"

#include "base/seam.h"

const struct cell_kind python = {.language = "python",
                                 .image = "codecell-python",
                                 .limits = {.milli_cpus = 1000, .memory_mb = 512, .disk_mb = 100, .processes = 64}};

const struct cell_kind ruby = {.language = "ruby",
                               .image = "codecell-ruby",
                               .limits = {.milli_cpus = 1000, .memory_mb = 512, .disk_mb = 100, .processes = 64},
                               .prewarm_env = (const char *const[]){"LANG=C.UTF-8", NULL},
                               .prewarm_argv = (const char *const[]){"ruby", "main.rb", NULL}};

const struct cell_kind bash = {.language = "bash",
                               .image = "codecell-bash",
                               .limits = {.milli_cpus = 1000, .memory_mb = 512, .disk_mb = 100, .processes = 64}};

struct pool_counts counts(const struct stage *stage, const char *language)
{
    struct pool_counts out;

    pool_counts(stage->pool, language, &out);
    return out;
}

void on_cell(struct pool_request *request, struct cell *cell, const struct error *error)
{
    struct taker *taker = (struct taker *)request;

    assert_false(taker->told);
    taker->told = true;
    taker->cell = cell;
    taker->place = taker->stage->served++;
    if (cell != NULL)
        assert_int_equal(cell_state(cell), CELL_READY);
    else
        taker->error = *error;
}

void keep_ready(struct pool *pool, const struct cell_kind *kind, unsigned minimum)
{
    pool_offer(pool, kind, (struct pool_keep){.minimum = minimum, .by_demand = minimum > 0});
}

void take(struct stage *stage, struct taker *taker, const struct cell_kind *kind, uint32_t disk_mb)
{
    *taker = (struct taker){.stage = stage, .request = {.kind = kind, .limits = kind->limits, .on_cell = on_cell}};
    taker->request.limits.disk_mb = disk_mb;
    pool_take(stage->pool, &taker->request);
}

void take_keyed(struct stage *stage, struct taker *taker, const struct cell_kind *kind, int64_t key)
{
    *taker = (struct taker){.stage = stage,
                            .request = {.kind = kind, .limits = kind->limits, .key = key, .on_cell = on_cell}};
    pool_take(stage->pool, &taker->request);
}

static void on_taker_done(void *arg, enum cell_outcome outcome)
{
    struct taker *taker = arg;

    taker->ended = true;
    taker->outcome = outcome;
    if (outcome == CELL_DONE)
        pool_return(taker->stage->pool, taker->cell, taker->request.key);
    else
        cell_end(taker->cell);
}

static void on_taker_output(void *arg, enum frame_step step, enum frame_channel channel, const uint8_t *data,
                            size_t len)
{
    (void)arg, (void)step, (void)channel, (void)data, (void)len;
}

static void on_taker_step_end(void *arg, enum frame_step step, const struct frame_step_end *end)
{
    (void)arg, (void)step, (void)end;
}

void stage_run(struct taker *taker)
{
    static const char *const argv[] = {"sleep", NULL}, *const env[] = {NULL};
    static const struct cell_job job = {.env = env, .run = {.argv = argv, .timeout_ms = 300000, .output_max = 1024}};
    static const struct cell_events events = {
        .on_output = on_taker_output, .on_step_end = on_taker_step_end, .on_done = on_taker_done};

    cell_run(taker->cell, &job, NULL, &events, taker);
}

static void on_engine(void *arg, bool up)
{
    struct stage *stage = arg;

    if (stage->pool != NULL)
        pool_engine_changed(stage->pool, up);
}

void stage_open_options(struct stage *stage, struct pool_options options)
{
    struct error error = {0};

    memset(stage, 0, sizeof *stage);
    sim_open(&stage->sim);
    stage->sim.on_engine = on_engine;
    stage->sim.arg = stage;
    options.engine = stage->sim.engine;
    options.instance = "me";
    options.agent = "ELF";
    options.agent_len = 3;
    options.creations = 2;
    assert_int_equal(pool_open(&stage->pool, &stage->sim.loop, &options, &error), 0);
}

void stage_open_idle(struct stage *stage)
{
    stage_open_options(stage, (struct pool_options){0});
}

void stage_connect(struct stage *stage)
{
    pool_engine_changed(stage->pool, true);
}

void stage_open(struct stage *stage)
{
    stage_open_idle(stage);
    stage_connect(stage);
}

static void on_pool_closed(void *arg)
{
    struct stage *stage = arg;

    stage->pool_closed = true;
    stage->pool = NULL;
}

static uint64_t stopped_ns;

static uint64_t stopped(void)
{
    return stopped_ns;
}

void stage_stop_clock(void)
{
    static struct seam still;

    stopped_ns = seam()->monotonic_ns();
    still = seam_system;
    still.monotonic_ns = stopped;
    seam_set(&still);
}

void stage_begin_close(struct stage *stage)
{
    pool_close(stage->pool, STAGE_PATIENCE_MS, on_pool_closed, stage);
}

void stage_end_close(struct stage *stage)
{
    sim_until(&stage->sim, stage->pool_closed);
    for (size_t i = 0; i < stage->sim.boxes_len; i++)
        assert_true(stage->sim.boxes[i].removed || strcmp(stage->sim.boxes[i].name, "codecell-theirs") == 0);
    stage->lists = stage->sim.counts[SIM_LIST];
    sim_close(&stage->sim);
}

void stage_close(struct stage *stage)
{
    stage_begin_close(stage);
    stage_end_close(stage);
}
