/* A pool on a scripted engine, and takers of its cells. */
#ifndef CODECELL_TESTS_UNIT_POOL_POOL_STAGE_H
#define CODECELL_TESTS_UNIT_POOL_POOL_STAGE_H

#include "lib/sim.c"

#include "docker/cell/cell_job.h"
#include "docker/cell/cell_prewarm.h"
#include "docker/cell/cell_reset.h"
#include "docker/cell/cells.h"
#include "docker/pool/pool.h"

#define STAGE_PATIENCE_MS 15000u

struct stage {
    struct sim sim;
    struct pool *pool;
    unsigned served, lists;
    bool pool_closed;
};

struct taker {
    struct pool_request request;
    struct stage *stage;
    struct cell *cell;
    struct error error;
    unsigned place; /* among the takers whose on_cell has fired */
    bool told, ended;
    enum cell_outcome outcome;
};

static const struct cell_kind python = {
    .language = "python",
    .image = "codecell-python",
    .limits = {.milli_cpus = 1000, .memory_mb = 512, .disk_mb = 100, .processes = 64}};
/* A language whose cells may be prewarmed. */
static const struct cell_kind ruby = {.language = "ruby",
                                      .image = "codecell-ruby",
                                      .limits = {.milli_cpus = 1000, .memory_mb = 512, .disk_mb = 100, .processes = 64},
                                      .prewarm_env = (const char *const[]){"LANG=C.UTF-8", NULL},
                                      .prewarm_argv = (const char *const[]){"ruby", "main.rb", NULL}};
static const struct cell_kind bash = {
    .language = "bash",
    .image = "codecell-bash",
    .limits = {.milli_cpus = 1000, .memory_mb = 512, .disk_mb = 100, .processes = 64}};

static struct pool_counts counts(const struct stage *stage, const char *language)
{
    struct pool_counts out;

    pool_counts(stage->pool, language, &out);
    return out;
}

static void on_cell(struct pool_request *request, struct cell *cell, const struct error *error)
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

/* At least `minimum` cells, and more by demand; 0: none at all. */
static inline void keep_ready(struct pool *pool, const struct cell_kind *kind, unsigned minimum)
{
    pool_offer(pool, kind, (struct pool_keep){.minimum = minimum, .by_demand = minimum > 0});
}

static inline void take(struct stage *stage, struct taker *taker, const struct cell_kind *kind, uint32_t disk_mb)
{
    *taker = (struct taker){.stage = stage, .request = {.kind = kind, .limits = kind->limits, .on_cell = on_cell}};
    taker->request.limits.disk_mb = disk_mb;
    pool_take(stage->pool, &taker->request);
}

static inline void take_keyed(struct stage *stage, struct taker *taker, const struct cell_kind *kind, int64_t key)
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

static inline void on_taker_output(void *arg, enum frame_step step, enum frame_channel channel, const uint8_t *data,
                                   size_t len)
{
    (void)arg, (void)step, (void)channel, (void)data, (void)len;
}

static inline void on_taker_step_end(void *arg, enum frame_step step, const struct frame_step_end *end)
{
    (void)arg, (void)step, (void)end;
}

/* Gives the taker's cell a job. Without sim.program it runs until something ends it. */
static inline void stage_run(struct taker *taker)
{
    static const char *const argv[] = {"sleep", NULL}, *const env[] = {NULL};
    static const struct cell_job job = {.env = env, .run = {argv, 300000, 1024, 0}};
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

static void stage_open_options(struct stage *stage, struct pool_options options)
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

/* The budget allows no more than the minima. */
static inline void stage_open_idle(struct stage *stage)
{
    stage_open_options(stage, (struct pool_options){0});
}

static void stage_connect(struct stage *stage)
{
    pool_engine_changed(stage->pool, true);
}

static inline void stage_open(struct stage *stage)
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

static void stage_begin_close(struct stage *stage)
{
    pool_close(stage->pool, STAGE_PATIENCE_MS, on_pool_closed, stage);
}

/* Everything that was made must have been removed, except the container of another server. */
static void stage_end_close(struct stage *stage)
{
    sim_until(&stage->sim, stage->pool_closed);
    for (size_t i = 0; i < stage->sim.boxes_len; i++)
        assert_true(stage->sim.boxes[i].removed || strcmp(stage->sim.boxes[i].name, "codecell-theirs") == 0);
    stage->lists = stage->sim.counts[SIM_LIST];
    sim_close(&stage->sim);
}

static inline void stage_close(struct stage *stage)
{
    stage_begin_close(stage);
    stage_end_close(stage);
}

/* A running container from earlier. */
static inline void add_box(struct sim *sim, const char *name, const char *instance)
{
    char line[128], body[200];

    snprintf(line, sizeof line, "POST /containers/create?name=%s HTTP/1.1", name);
    snprintf(body, sizeof body, "{\"Labels\":{\"%s\":\"%s\",\"%s\":\"cell\",\"%s\":\"%s\"}}", LABEL_INSTANCE, instance,
             LABEL_ROLE, LABEL_NAME, name);
    box_make(sim, line, body)->started = true;
}

#endif
