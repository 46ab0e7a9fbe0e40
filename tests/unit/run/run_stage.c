#include "run_stage.h"

static char *python_run[] = {(char[]){"python3"}, (char[]){"main.py"}, NULL};

static char *c_compile[] = {(char[]){"cc"}, (char[]){"main.c"}, NULL};

static char *c_run[] = {(char[]){"./a.out"}, NULL};

static char *language_env[] = {(char[]){"LANG=C.UTF-8"}, NULL};

struct language_version python_version = {
    .run = python_run,
    .env = language_env,
    .offered = true,
    .number = "3.13.5",
    .reported = "3.13.5",
    .kind = {.language = "python", .image = "codecell-python", .limits = STAGE_LIMITS}};

struct language python = {.id = (char[]){"python"},
                          .file = (char[]){"main.py"},
                          .limits = {.cell = STAGE_LIMITS, .output_kb = 1},
                          .versions = &python_version,
                          .versions_len = 1};

struct language_version c_version = {.compile = c_compile,
                                     .compile_ms = 30000,
                                     .compile_memory_mb = 96,
                                     .run = c_run,
                                     .env = language_env,
                                     .offered = true,
                                     .number = "12.2",
                                     .reported = "12.2",
                                     .kind = {.language = "c", .image = "codecell-c", .limits = STAGE_LIMITS}};

struct language c = {.id = (char[]){"c"},
                     .file = (char[]){"main.c"},
                     .limits = {.cell = STAGE_LIMITS, .output_kb = 1},
                     .versions = &c_version,
                     .versions_len = 1};

static void copy_text(char out[STAGE_TEXT_MAX], const struct buf *buf)
{
    snprintf(out, STAGE_TEXT_MAX, "%.*s", (int)buf->len, buf->data != NULL ? buf->data : "");
}

static struct stage *the_stage; /* one at a time */

unsigned stage_budget;
bool stage_capsules;

static void stage_on_done(void *arg, struct execution *execution)
{
    const struct execution_result *result = execution_result(execution);
    struct ended *ended = &the_stage->ended[the_stage->ended_len++];

    assert_true(the_stage->ended_len < STAGE_ENDED_MAX);
    *ended = (struct ended){.status = result->status,
                            .failure = result->failure,
                            .unavailable = result->unavailable,
                            .timed_out = result->timed_out,
                            .memory_struck = result->memory_struck,
                            .compiled = result->compiled,
                            .compile_timed_out = result->compile_timed_out,
                            .out_cut = result->run.out_cut,
                            .err_cut = result->run.err_cut,
                            .compile_err_cut = result->compile.err_cut,
                            .exit_code = result->exit_code,
                            .signal = result->signal,
                            .compile_exit_code = result->compile_exit_code,
                            .wall_ns = result->wall_ns,
                            .queue_ns = result->queue_ns,
                            .arg = arg};
    text_copy(ended->id, sizeof ended->id, execution_id(execution));
    const char *warning = execution_request(execution)->warnings[0];
    text_copy(ended->warning, sizeof ended->warning, warning != NULL ? warning : "");
    copy_text(ended->out, &result->run.out);
    copy_text(ended->err, &result->run.err);
    copy_text(ended->compile_err, &result->compile.err);
    assert_int_equal(execution_status(execution), result->status);
}

const struct execution_listener stage_listener = {.collects = true, .on_done = stage_on_done};

static void stage_on_engine(void *arg, bool up)
{
    struct stage *stage = arg;

    if (stage->pool != NULL)
        pool_engine_changed(stage->pool, up);
}

static void stage_fill(struct stage *stage)
{
    struct error error = {0};
    struct db *db;
    char text[KEY_TEXT_LEN + 1];

    strcpy(stage->dir, "/tmp/codecell-run-XXXXXX");
    assert_non_null(mkdtemp(stage->dir));
    assert_int_equal(db_open(&db, stage->dir, &error), 0);
    for (size_t i = 0; i < 3; i++) {
        struct key key = {.name = "test", .scopes = KEY_EXECUTE, .rate_per_minute = 100, .credits = -1};
        assert_int_equal(keys_create(db, &key, text, &error), 0);
        stage->keys[i] = key.row;
    }
    db_close(db);
    assert_int_equal(store_open(&stage->store, &stage->sim.loop, stage->dir, &error), 0);
}

void stage_open_with(struct stage *stage, unsigned concurrency, unsigned queue_max)
{
    struct error error = {0};

    memset(stage, 0, sizeof *stage);
    the_stage = stage;
    sim_open(&stage->sim);
    stage->sim.on_engine = stage_on_engine;
    stage->sim.arg = stage;
    stage_fill(stage);
    const struct pool_options options = {.engine = stage->sim.engine,
                                         .instance = "me",
                                         .agent = "ELF",
                                         .agent_len = 3,
                                         .capsules = stage_capsules,
                                         .creations = 2,
                                         .max_idle = stage_budget,
                                         .max_idle_bytes = (uint64_t)1 << 30,
                                         .reuse_jobs = 100,
                                         .reuse_idle_ms = 60000};
    assert_int_equal(pool_open(&stage->pool, &stage->sim.loop, &options, &error), 0);
    pool_engine_changed(stage->pool, true);
    pool_withdraw(stage->pool, &python.versions->kind);
    pool_withdraw(stage->pool, &c.versions->kind);
    const struct runner_options with = {.pool = stage->pool,
                                        .store = stage->store,
                                        .turns = {.concurrency = concurrency, .extra = 2, .queue_max = queue_max},
                                        .keep_output = true,
                                        .keep_code = true};
    assert_int_equal(runner_open(&stage->runner, &stage->sim.loop, &with, &error), 0);
    /* The volume is filled and the filler gone: what follows is about executions. */
    sim_until(&stage->sim, stage->sim.counts[SIM_ARCHIVE] == 2 && sim_alive(&stage->sim) == 0);
    if (stage_capsules) /* a trial comes first */
        sim_until(&stage->sim, pool_can_make(stage->pool) && sim_alive(&stage->sim) == 0);
}

void stage_open(struct stage *stage)
{
    stage_open_with(stage, 2, 4);
}

static void on_stage_pool_closed(void *arg)
{
    struct stage *stage = arg;

    stage->pool = NULL;
    stage->pool_closed = true;
}

void on_stage_store_closed(void *arg)
{
    ((struct stage *)arg)->store_closed = true;
}

void on_stage_idle(void *arg)
{
    ((struct stage *)arg)->idle = true;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

void stage_close(struct stage *stage)
{
    if (!stage->idle) {
        runner_drain(stage->runner, on_stage_idle, stage);
        sim_until(&stage->sim, stage->idle);
    }
    pool_close(stage->pool, 15000, on_stage_pool_closed, stage);
    sim_until(&stage->sim, stage->pool_closed);
    if (stage->store != NULL)
        store_close(stage->store, on_stage_store_closed, stage);
    sim_until(&stage->sim, stage->store_closed);
    runner_close(stage->runner);
    assert_int_equal(sim_alive(&stage->sim), 0);
    sim_close(&stage->sim);
    assert_int_equal(nftw(stage->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

struct execution_request stage_request(struct language *language, const char *code)
{
    struct execution_request request = {.language = language,
                                        .language_name = language->id,
                                        .version = language->versions,
                                        .code_len = strlen(code),
                                        .timeout_ms = 2000,
                                        .session_id = "s1",
                                        .limits = language->limits};

    request.code = arena_text(&request.arena, code, request.code_len);
    return request;
}

struct execution *stage_submit_as(struct stage *stage, size_t key, struct language *language, struct error *error)
{
    struct execution_request request = stage_request(language, "code");

    *error = (struct error){0};
    struct execution *execution =
        runner_submit(stage->runner, stage->keys[key], &request, &stage_listener, stage, error);
    assert_null(request.code);
    return execution;
}

struct execution *stage_submit(struct stage *stage, struct language *language)
{
    struct error error;
    struct execution *execution = stage_submit_as(stage, 0, language, &error);

    if (execution == NULL)
        fail_msg("%s", error.text);
    return execution;
}

static int block(struct db *db, struct store_job *job, struct error *error)
{
    (void)db, (void)error;
    uv_sem_wait(&((struct stage_blocker *)job)->go);
    return 0;
}

static void on_unblocked(struct store_job *job, const struct error *error)
{
    assert_null(error);
    ((struct stage_blocker *)job)->done = true;
}

void stage_block(struct stage *stage)
{
    stage->blocker = (struct stage_blocker){.job = {.work = block, .done = on_unblocked}};
    assert_int_equal(uv_sem_init(&stage->blocker.go, 0), 0);
    store_submit(stage->store, &stage->blocker.job);
}

void stage_unblock(struct stage *stage)
{
    uv_sem_post(&stage->blocker.go);
    sim_until(&stage->sim, stage->blocker.done);
    uv_sem_destroy(&stage->blocker.go);
}

void stage_hello_blocked(struct sim *sim, struct sim_box *box)
{
    stage_block((struct stage *)sim);
    sim_hello(sim, box);
}

int stage_record(struct stage *stage, size_t key, const char *id, struct record *out)
{
    struct error error = {0};
    struct db *db;

    assert_int_equal(db_open(&db, stage->dir, &error), 0);
    int result = records_get(db, stage->keys[key], id, out, &error);
    db_close(db);
    return result;
}

void stage_recorded(struct stage *stage, const struct ended *ended)
{
    struct record record;

    assert_int_equal(stage_record(stage, 0, ended->id, &record), 0);
    assert_int_equal(record.status, ended->status);
    assert_true(record.completed_ms > 0);
    if (ended->failure == NULL)
        assert_int_equal(record.exit_code, ended->exit_code);
    record_clear(&record);
}
