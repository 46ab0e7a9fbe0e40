/* The service about itself: is it up, can it run programs, and its figures. */
#include "api/service.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/pending.h"
#include "base/buf.h"
#include "base/container_of.h"
#include "base/metrics.h"
#include "base/process_metrics.h"

#include <stdlib.h>

#define METRICS_MAX ((size_t)8 * 1024 * 1024) /* bytes of GET /metrics */

static json_t *verdict(bool ok)
{
    return json_string(ok ? "ok" : "unavailable");
}

static json_t *status_json(bool ok, json_t *checks)
{
    return json_pack("{sososo}", "status", verdict(ok), "version", json_string(CODECELL_VERSION), "checks", checks);
}

void api_health(struct http_exchange *ex)
{
    api_respond(ex, 200, status_json(true, json_pack("{so}", "server", verdict(true))));
}

/* Ready. */

/* Asks whether a record can be written: the store proves it before this job runs. */
struct readiness {
    struct store_job job;
    struct pending pending;
};

static int readiness_work(struct db *db, struct store_job *job, struct error *error)
{
    (void)db, (void)job, (void)error;
    return 0;
}

static bool any_language(struct catalog *languages)
{
    for (size_t i = 0; i < catalog_count(languages); i++)
        if (language_default(catalog_at(languages, i)) != NULL)
            return true;
    return false;
}

static void answer_ready(struct http_exchange *ex, bool database)
{
    struct api *api = api_of(ex);
    bool engine = runner_can_run(api->runner), languages = any_language(api->languages);
    bool ready = database && engine && languages && !api->draining;
    json_t *checks = json_pack("{sosososo}", "database", verdict(database), "engine", verdict(engine), "languages",
                               verdict(languages), "server", verdict(!api->draining));

    if (!ready)
        http_header_add(ex, "Retry-After", "1");
    api_respond(ex, ready ? 200 : 503, status_json(ready, checks));
}

static void readiness_done(struct store_job *job, const struct error *error)
{
    struct readiness *readiness = container_of(job, struct readiness, job);
    struct http_exchange *ex = pending_end(&readiness->pending);

    if (ex != NULL)
        answer_ready(ex, error == NULL && !store_trouble(api_of(ex)->store, NULL));
    free(readiness);
}

void api_ready(struct http_exchange *ex)
{
    struct readiness *readiness = calloc(1, sizeof *readiness);

    if (readiness == NULL) {
        answer_ready(ex, false);
        return;
    }
    readiness->job = (struct store_job){.work = readiness_work, .done = readiness_done, .reads = true, .proves = true};
    pending_begin(&readiness->pending, ex, NULL);
    store_submit(api_of(ex)->store, &readiness->job);
}

/* Metrics. */

static void set_gauge(const char *name, const char *help, double value)
{
    metric_set(metric_series(metric_family(name, help, METRIC_GAUGE, NULL, NULL), (const char *const[4]){NULL}), value);
}

static void collect_cells(const struct runner *runner, const char *language)
{
    struct runner_cells counts = runner_cells(runner, language);
    const struct {
        const char *state;
        unsigned count;
    } states[] = {{"creating", counts.creating}, {"ready", counts.ready},   {"prewarmed", counts.prewarmed},
                  {"kept", counts.kept},         {"target", counts.target}, {"running", counts.running},
                  {"ending", counts.ending}};
    struct metric_family *cells = metric_family("codecell_pool_cells",
                                                "Cells by language and state. Ready cells may also be prewarmed or "
                                                "kept. target: how many idle cells the pool wants.",
                                                METRIC_GAUGE, (const char *const[4]){"language", "state"}, NULL);

    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        metric_set(metric_series(cells, (const char *const[4]){language, states[i].state}), states[i].count);
}

/* Gauges are read when a client asks for them. */
static void collect(const struct api *api)
{
    for (size_t i = 0; i < catalog_count(api->languages); i++) {
        const struct language *language = catalog_at(api->languages, i);
        if (language_default(language) != NULL)
            collect_cells(api->runner, language->id);
    }
    struct runner_counts counts = runner_counts(api->runner);
    set_gauge("codecell_executions_queued", "Executions that wait for a slot.", counts.queued);
    set_gauge("codecell_executions_running", "Executions that have a cell or wait for one.", counts.running);
    set_gauge("codecell_http_connections", "Open connections of clients.", http_server_connections(api->http));
    set_gauge("codecell_engine_up", "1 while the container engine answers.", runner_engine_is_up(api->runner) ? 1 : 0);
    set_gauge("codecell_database_usable", "1 while records can be written, as far as is known.",
              store_trouble(api->store, NULL) ? 0 : 1);
    process_collect();
}

void api_metrics(struct http_exchange *ex)
{
    struct buf text;

    buf_init(&text, METRICS_MAX);
    collect(api_of(ex));
    if (metrics_text(&text) != 0) {
        struct error error;
        buf_free(&text);
        error_set(&error, ERROR_INTERNAL, "the metrics are over their cap");
        api_respond_error(ex, &error);
        return;
    }
    size_t len = 0;
    char *data = buf_detach(&text, &len);
    http_respond(ex, 200, "text/plain; version=0.0.4; charset=utf-8", data, len);
}
