/* Starts the lock, the store and the languages, then the parts that need the engine (which may come later), then the
 * listener. Stops in the other order; the end of each part begins the end of the next:
 *
 *   signal ─ drain (no new work; what runs may end, for CODECELL_DRAIN) ─ answers out ─ http ─ offers ─ pool ─ engine
 *   ─ store ─ the rest
 *
 * A second signal, or the end of the patience, cancels what still runs; the way is the same. */
#include "app.h"

#include "api/access_log.h"
#include "api/admission.h"
#include "api/api.h"
#include "api/asset.h"
#include "api/background.h"
#include "api/cors.h"
#include "api/feed.h"
#include "api/routes.h"
#include "base/container_of.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/seam.h"
#include "base/worker.h"
#include "config.h"
#include "docker/cell/cells.h"
#include "docker/engine/call.h"
#include "docker/engine/engine.h"
#include "docker/pool/pool.h"
#include "faces/faces.h"
#include "faces/till.h"
#include "host.h"
#include "languages/availability.h"
#include "process.h"
#include "retention.h"
#include "run/history.h"
#include "run/workspaces.h"
#include "store/directory.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define POOL_PATIENCE_MS 15000u       /* for the engine to remove the cells at the end */
#define WORKSPACES_PATIENCE_MS 10000u /* to save them at the end */
#define ANSWERS_POLL_MS 10u
#define INFO_MS 10000u
#define TRIM_MS 2000u
#define SIGNALS 3u

_Static_assert((int)REUSE_OFF == (int)KEY_REUSE_OFF && (int)REUSE_KEY == (int)KEY_REUSE_KEY &&
                   (int)REUSE_ANY == (int)KEY_REUSE_ANY,
               "the setting's words are those of keys");
_Static_assert(CONFIG_POOL_MAX_MOST + CONFIG_CONCURRENCY_MOST + CONFIG_EXTRA_MOST + CONFIG_AWAKE_MOST <= CELLS_MAX,
               "as many cells as the settings ask for");

/* The agent's program, from agent_blob.S (CMakeLists.txt). */
extern const char agent_blob[], agent_blob_end[];

#define PAGE_KEY "playground" /* the name of the key of people who use an open playground without one */
#define PAGE_TIMEOUT_S 60     /* that key's maximum timeout, unless the operator changes it */

/* The pages for browsers, from page_assets.c (CMakeLists.txt). */
extern const struct asset page_assets[];

struct app {
    const struct config *config;
    uv_loop_t loop;
    int lock;
    struct store *store;
    struct catalog *languages;
    struct engine *engine;
    struct pool *pool;
    struct workspaces *workspaces;
    struct runner *runner;
    struct history *history;
    struct availability *availability;
    struct http_server *http;
    struct faces *faces;
    struct till till;
    struct retention retention;
    struct background *background;
    struct ip_nets webhook_allow;
    struct api api;
    struct limits maxima, defaults;
    struct call *info;
    uv_signal_t signals[SIGNALS];
    uv_timer_t patience, answers, trim;
    struct worker_job trim_job;
    bool trims; /* a worker thread does trim_job */
    uv_prepare_t before_poll;
    bool stopping, hurried;
};

/* Stopping. */

static void on_store_closed(void *arg)
{
    struct app *app = arg;

    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&app->signals[i], NULL);
    uv_close((uv_handle_t *)&app->patience, NULL);
    uv_close((uv_handle_t *)&app->answers, NULL);
    uv_close((uv_handle_t *)&app->trim, NULL);
    uv_close((uv_handle_t *)&app->before_poll, NULL);
    log_gather(false);
}

static void on_engine_closed(void *arg)
{
    struct app *app = arg;

    store_close(app->store, on_store_closed, app);
}

static void on_pool_closed(void *arg)
{
    struct app *app = arg;

    engine_close(app->engine, on_engine_closed, app);
}

static void on_offers_closed(void *arg)
{
    struct app *app = arg;

    pool_close(app->pool, POOL_PATIENCE_MS, on_pool_closed, app);
}

static void on_workspaces_closed(void *arg);

static void on_http_stopped(void *arg)
{
    struct app *app = arg;

    workspaces_close(app->workspaces, WORKSPACES_PATIENCE_MS, on_workspaces_closed, app);
}

static void on_workspaces_closed(void *arg)
{
    struct app *app = arg;

    if (app->info != NULL)
        call_cancel(app->info);
    till_close(&app->till);
    background_close(app->background);
    retention_close(&app->retention);
    availability_close(app->availability, on_offers_closed, app);
}

/* Nothing runs any more. Answers may still be on their way to slow clients. */
static void on_answers_timer(uv_timer_t *timer)
{
    struct app *app = timer->data;

    if (http_server_connections(app->http) > 0 && !app->hurried)
        return;
    uv_timer_stop(timer);
    http_server_stop(app->http, on_http_stopped, app);
}

static void on_idle(void *arg)
{
    struct app *app = arg;

    uv_timer_start(&app->answers, on_answers_timer, 0, ANSWERS_POLL_MS);
}

static void hurry(struct app *app)
{
    app->hurried = true;
    runner_cancel_all(app->runner);
}

static void on_patience_over(uv_timer_t *timer)
{
    log_event(LOG_WARN, "server.drain_forced", LOG_STR("reason", "the drain's time is over"));
    hurry(timer->data);
}

static void stop(struct app *app)
{
    app->stopping = true;
    app->api.draining = true;
    http_server_drain(app->http);
    uv_timer_start(&app->patience, on_patience_over, (uint64_t)app->config->drain_s * 1000, 0);
    background_drain(app->background);
    availability_drain(app->availability);
    runner_drain(app->runner, on_idle, app);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct app *app = handle->data;

    if (app->stopping && number == SIGHUP) /* a terminal that closes may send it twice; the second must not hurry */
        return;
    log_event(LOG_INFO, app->stopping ? "server.drain_forced" : "server.draining", LOG_INT("signal", number));
    if (app->stopping)
        hurry(app);
    else
        stop(app);
}

/* The engine. */

static void on_info(void *arg, int status, json_t *reply, const struct error *error)
{
    struct app *app = arg;
    int64_t cores = json_integer_value(json_object_get(reply, "NCPU"));

    (void)error;
    app->info = NULL;
    if (status == 200 && cores > 0 && cores < 1000 && cores * 1000 < app->config->max_milli_cpus)
        app->api.maxima.cell.milli_cpus = (uint32_t)(cores * 1000);
    if (status == 200)
        host_look_at_engine(reply);
}

static void ask_info(struct app *app)
{
    if (app->info == NULL)
        app->info = engine_call(
            app->engine,
            &(struct call_options){.method = "GET", .path = "/info", .deadline_ms = INFO_MS, .metric = "info"}, on_info,
            app);
}

static void on_engine_changed(void *arg, bool up)
{
    struct app *app = arg;

    log_event(up ? LOG_INFO : LOG_WARN, up ? "engine.up" : "engine.down",
              LOG_STR("api_version", up ? engine_api_version(app->engine) : NULL),
              LOG_STR("kind", !up                             ? NULL
                              : engine_is_podman(app->engine) ? "podman"
                                                              : "docker"));
    pool_engine_changed(app->pool, up);
    if (up && !app->stopping) {
        ask_info(app);
        availability_check(app->availability);
    }
}

/* Starting. */

/* A language that the setting names keeps its cells even over the budget. The number for `*` counts as far as the
 * budget goes. A version that is not the default keeps as many cells as demand asks for. */
static struct pool_keep idle_cells(void *arg, const char *language, bool is_default)
{
    struct app *app = arg;
    bool named;
    unsigned cells = config_pool_size(app->config->pool, language, &named);

    return (struct pool_keep){
        .minimum = is_default && named ? cells : 0, .preferred = is_default ? cells : 0, .by_demand = cells > 0};
}

static void app_complain(const char *sentence, void *arg)
{
    (void)arg;
    log_event(LOG_ERROR, "language.broken", LOG_STR("reason", sentence));
}

static uint32_t app_least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void set_limits(struct app *app)
{
    const struct config *config = app->config;
    struct limits maxima = {.cell = {.milli_cpus = (uint32_t)config->max_milli_cpus,
                                     .memory_mb = (uint32_t)config->max_memory_mb,
                                     .disk_mb = (uint32_t)config->max_disk_mb,
                                     .processes = (uint32_t)config->max_processes},
                            .output_kb = (uint32_t)config->max_output_kb};

    app->maxima = maxima;
    app->defaults =
        (struct limits){.cell = {.milli_cpus = app_least(limits_defaults.cell.milli_cpus, maxima.cell.milli_cpus),
                                 .memory_mb = app_least(limits_defaults.cell.memory_mb, maxima.cell.memory_mb),
                                 .disk_mb = app_least(limits_defaults.cell.disk_mb, maxima.cell.disk_mb),
                                 .processes = app_least(limits_defaults.cell.processes, maxima.cell.processes)},
                        .output_kb = app_least(limits_defaults.output_kb, maxima.output_kb)};
}

static int open_pool(struct app *app, struct error *error)
{
    const struct config *config = app->config;

    return pool_open(&app->pool, &app->loop,
                     &(struct pool_options){.engine = app->engine,
                                            .instance = store_instance(app->store),
                                            .runtime = config->runtime,
                                            .capsules = config->isolation == ISOLATION_CAPSULE,
                                            .apparmor = config->apparmor[0] != '\0' ? config->apparmor : NULL,
                                            .agent = agent_blob,
                                            .agent_len = (size_t)(agent_blob_end - agent_blob),
                                            .creations = uv_available_parallelism(),
                                            .max_idle = (unsigned)config->pool_max,
                                            .max_idle_bytes = (uint64_t)config->pool_memory_mb << 20,
                                            .reuse_jobs = (unsigned)config->reuse_jobs,
                                            .reuse_idle_ms = (uint64_t)config->reuse_idle_s * 1000},
                     error);
}

static int open_engine(struct app *app, struct error *error)
{
    const struct config *config = app->config;

    return engine_open(
        &app->engine, &app->loop,
        &(struct engine_options){.host = config->docker_host[0] != '\0' ? config->docker_host : NULL,
                                 .tls_verify = config->docker_tls,
                                 .cert_path = config->docker_certs[0] != '\0' ? config->docker_certs : NULL,
                                 .on_change = on_engine_changed,
                                 .arg = app},
        error);
}

static int open_workspaces(struct app *app, struct error *error)
{
    const struct config *config = app->config;

    return workspaces_open(&app->workspaces, &app->loop,
                           &(struct workspaces_options){.pool = app->pool,
                                                        .store = app->store,
                                                        .data_dir = config->data_dir,
                                                        .stored_max = config->workspaces_mb << 20,
                                                        .awake_max = (unsigned)config->workspaces_awake,
                                                        .idle_ns = (uint64_t)config->workspace_idle_s * 1000000000},
                           error);
}

static int open_runner(struct app *app, struct error *error)
{
    app->history = history_new();
    if (app->history == NULL)
        return error_memory(error);
    return runner_open(&app->runner, &app->loop,
                       &(struct runner_options){.pool = app->pool,
                                                .store = app->store,
                                                .workspaces = app->workspaces,
                                                .turns = {.concurrency = (unsigned)app->config->concurrency,
                                                          .extra = (unsigned)app->config->concurrency_extra,
                                                          .queue_max = (unsigned)app->config->queue},
                                                .keep_output = app->config->keep >= KEEP_OUTPUT,
                                                .keep_code = app->config->keep >= KEEP_ALL,
                                                .history = app->history},
                       error);
}

static int open_offers(struct app *app, struct error *error)
{
    return availability_open(
        &app->availability, &app->loop,
        &(struct availability_options){.engine = app->engine,
                                       .pool = app->pool,
                                       .store = app->store,
                                       .languages = app->languages,
                                       .waits_max = (unsigned)(app->config->queue + app->config->concurrency),
                                       .keep = idle_cells,
                                       .arg = app},
        error);
}

/* A large request's memory goes back to the system a while after its answer. */

static void trim_work(struct worker_job *job)
{
    (void)job;
    memory_trim();
}

static void after_trim(struct worker_job *job)
{
    struct app *app = container_of(job, struct app, trim_job);

    app->trims = false;
}

static void on_trim_timer(uv_timer_t *timer)
{
    struct app *app = timer->data;

    if (app->trims) {
        uv_timer_start(timer, on_trim_timer, TRIM_MS, 0); /* again: the worker may miss what was freed since it began */
        return;
    }
    app->trims = true;
    worker_queue(&app->loop, &app->trim_job, trim_work, after_trim);
}

static void trim_later(struct app *app)
{
    if (!uv_is_active((uv_handle_t *)&app->trim) && !app->stopping)
        uv_timer_start(&app->trim, on_trim_timer, TRIM_MS, 0);
}

static void on_exchange_done(struct http_exchange *ex, int status, uint64_t ns)
{
    struct api *api = http_data(ex);
    struct app *app = container_of(api, struct app, api);

    if (http_held(ex) > MEMORY_LARGE)
        trim_later(app);
    api_exchange_done(ex, status, ns);
}

/* Fewer than the setting says if the process has too few descriptors. */
static unsigned most_connections(const struct config *config)
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY};

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    unsigned most = config_connections(config, limit.rlim_cur);

    if (most < config->max_connections)
        log_event(LOG_WARN, "connections.fewer", LOG_INT("connections", most),
                  LOG_INT("CODECELL_MAX_CONNECTIONS", config->max_connections),
                  LOG_INT("descriptors", (int64_t)limit.rlim_cur),
                  LOG_STR("reason", "the process may not open enough descriptors (ulimit -n)"));
    return most;
}

static const struct http_filter *const answer_filters[] = {&http_gzip, NULL};

static int listen_http(struct app *app, struct error *error)
{
    const struct config *config = app->config;

    return http_server_start(&app->http, &app->loop,
                             &(struct http_options){.listen = config->listen,
                                                    .routes = faces_routes(app->faces),
                                                    .manners = faces_manners(app->faces),
                                                    .admit = api_admit,
                                                    .data = &app->api,
                                                    .on_done = on_exchange_done,
                                                    .on_answer = api_cors,
                                                    .filters = answer_filters,
                                                    .header_max = 32u << 10,
                                                    .header_count = 100,
                                                    .body_max = (size_t)config->max_body,
                                                    .body_rate = (uint64_t)config->body_rate,
                                                    .bodies_max = (size_t)config->max_bodies,
                                                    .connections = most_connections(config),
                                                    .proxies = config->trusted_proxies,
                                                    .header_ms = (uint64_t)config->header_timeout_s * 1000,
                                                    .body_ms = (uint64_t)config->body_timeout_s * 1000,
                                                    .idle_ms = (uint64_t)config->idle_timeout_s * 1000,
                                                    .write_ms = (uint64_t)config->write_timeout_s * 1000},
                             error);
}

static void fill_api(struct app *app)
{
    const struct config *config = app->config;

    app->api = (struct api){.loop = &app->loop,
                            .store = app->store,
                            .runner = app->runner,
                            .flow_begin = api_flow_begin,
                            .workspaces = app->workspaces,
                            .workspaces_per_key = config->workspaces_per_key,
                            .languages = app->languages,
                            .availability = app->availability,
                            .http = app->http,
                            .faces = app->faces,
                            .maxima = app->maxima,
                            .max_code = (size_t)config->max_code,
                            .max_stdin = (size_t)config->max_stdin,
                            .rate = config->rate,
                            .reuse = (enum key_reuse)config->reuse,
                            .cors = config->cors,
                            .metrics_key = config->metrics_key,
                            .history = app->history,
                            .data_dir = config->data_dir,
                            .concurrency = config->concurrency,
                            .queue_max = config->queue,
                            .started_ms = seam_wall_ms(),
                            .reading = {.least = config->read_rate},
                            .till = &app->till,
                            .routes = api_routes,
                            .assets = page_assets,
                            .playground = config->playground != PLAYGROUND_OFF,
                            .page_key = config->playground == PLAYGROUND_OPEN ? PAGE_KEY : NULL,
                            .addresses = {.least = config->face_address_rate}};
}

/* Two slots fewer than there are: a key whose background takes all of its own finds one for a request that waits, and
 * another key finds the last one. */
static unsigned background_slots(const struct config *config)
{
    return config->concurrency > 3 ? (unsigned)config->concurrency - 2 : 1;
}

static int open_background(struct app *app, struct error *error)
{
    const struct config *config = app->config;

    if (!ip_nets_parse(config->webhook_allow, &app->webhook_allow))
        return error_set(error, ERROR_INTERNAL, "CODECELL_WEBHOOK_ALLOW: not a list of networks");
    const struct background_options options = {.slots = background_slots(config),
                                               .room = {.executions = config->async_queue,
                                                        .request_bytes = config->async_mb << 20,
                                                        .result_bytes = config->results_mb << 20},
                                               .keep_code = config->keep >= KEEP_ALL,
                                               .webhook_allow = &app->webhook_allow};
    if (background_open(&app->background, &app->loop, &app->api, &options, error) != 0)
        return -1;
    app->api.background = app->background;
    return 0;
}

/* A program that was started with nohup should outlive its terminal. */
static bool is_ignored(int number)
{
    struct sigaction now;

    return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static void watch_signals(struct app *app)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&app->loop, &app->signals[i]);
        app->signals[i].data = app;
        if (numbers[i] != SIGHUP || !is_ignored(SIGHUP))
            uv_signal_start(&app->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(&app->loop, &app->patience);
    uv_timer_init(&app->loop, &app->answers);
    app->patience.data = app->answers.data = app;
}

static void on_before_poll(uv_prepare_t *prepare)
{
    (void)prepare;
    log_flush();
}

/* Writes the lines of the log after the answers that they describe. */
static void gather_log(struct app *app)
{
    uv_prepare_init(&app->loop, &app->before_poll);
    uv_prepare_start(&app->before_poll, on_before_poll);
    log_gather(true);
}

/* A key for requests that show none, made once. */
static int make_guests(const struct config *config, const char *name, int64_t max_timeout, struct error *error)
{
    struct key key = {.scopes = KEY_EXECUTE,
                      .rate_per_minute = config->rate,
                      .credits = -1,
                      .max_timeout = max_timeout,
                      .reuse = KEY_REUSE_OFF};
    struct db *db;

    if (db_open(&db, config->data_dir, error) != 0)
        return -1;
    snprintf(key.name, sizeof key.name, "%s", name);
    int result = keys_ensure(db, &key, error);
    db_close(db);
    return result;
}

static int open_faces(struct app *app, struct error *error)
{
    const struct config *config = app->config;
    const struct till_settings till = {.facilitator = config->x402_facilitator,
                                       .pay_to = config->x402_pay_to,
                                       .network = config->x402_network,
                                       .asset = config->x402_asset,
                                       .asset_name = config->x402_asset_name,
                                       .asset_version = config->x402_asset_version,
                                       .credit = config->x402_credit};
    const struct faces_settings faces = {.on = config->faces,
                                         .anonymous = config->face_anonymous,
                                         .url_keys = config->face_url_keys,
                                         .rate = config->rate,
                                         .gateway_keys = config->gateway_keys,
                                         .sells = *config->x402_facilitator != '\0'};

    if (till_open(&app->till, &app->loop, &till, error) != 0 || faces_open(&app->faces, &faces, error) != 0)
        return -1;
    if (faces_need_payers(app->faces) && make_guests(config, FACES_PAYERS, 0, error) != 0)
        return -1;
    return config->playground == PLAYGROUND_OPEN ? make_guests(config, PAGE_KEY, PAGE_TIMEOUT_S, error) : 0;
}

static int start(struct app *app, struct error *error)
{
    if ((app->lock = directory_lock(app->config->data_dir, error)) < 0 ||
        catalog_load(&app->languages, app->config->languages, &app->defaults, &app->maxima, app_complain, NULL,
                     error) != 0 ||
        store_open(&app->store, &app->loop, app->config->data_dir, error) != 0)
        return -1;
    if (!app->config->waiting)
        catalog_without_prewarming(app->languages);
    if (open_faces(app, error) != 0 || open_engine(app, error) != 0 || open_pool(app, error) != 0 ||
        open_workspaces(app, error) != 0 || open_runner(app, error) != 0 || open_offers(app, error) != 0 ||
        listen_http(app, error) != 0)
        return -1;
    fill_api(app);
    app->api.feeds = feeds_open();
    if (app->api.feeds == NULL)
        return error_memory(error);
    if (open_background(app, error) != 0)
        return -1;
    retention_open(&app->retention, &app->loop, app->store, app->config->retention_s);
    watch_signals(app);
    gather_log(app);
    return 0;
}

static void app_finish(struct app *app)
{
    background_free(app->background);
    feeds_free(app->api.feeds);
    faces_close(app->faces);
    reading_free(&app->api.reading);
    reading_free(&app->api.addresses);
    openapi_free(&app->api.openapi);
    runner_close(app->runner);
    history_free(app->history);
    workspaces_free(app->workspaces);
    catalog_free(app->languages);
    metrics_reset();
    close(app->lock);
    log_event(LOG_INFO, "server.stopped", LOG_INT("pid", getpid()));
}

int app_serve(const struct config *config)
{
    static struct app app; /* not on the stack: if the start fails, what was opened stays reachable to the end */
    struct error error;

    app.config = config;
    memory_setup();
    process_raise_descriptors();
    process_raise_weight();
    process_limit_workers();
    host_look_at_cores();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of the write */
    set_limits(&app);
    uv_loop_init(&app.loop);
    uv_timer_init(&app.loop, &app.trim);
    app.trim.data = &app;
    if (start(&app, &error) != 0) {
        log_event(LOG_ERROR, "server.failed", LOG_STR("reason", error.text));
        return 1; /* the end of the process closes what was opened */
    }
    log_event(LOG_INFO, "server.listening", LOG_STR("address", http_server_address(app.http)),
              LOG_STR("version", CODECELL_VERSION), LOG_INT("pid", getpid()));
    uv_run(&app.loop, UV_RUN_DEFAULT);
    app_finish(&app);
    return uv_loop_close(&app.loop) == 0 ? 0 : 1;
}
