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

#define VERDICT "{\"enum\": [\"ok\", \"unavailable\"]}"
#define STATUS_FIELDS(checks_fields)                                                                           \
    FIELD_OUT("status", FIELD_TEXT, NULL, .schema = VERDICT), FIELD_OUT("version", FIELD_TEXT, "of Codecell"), \
        FIELD_OUT("checks", FIELD_OBJECT, NULL, .inside = (checks_fields))

static const struct field alive_list[] = {FIELD_OUT("server", FIELD_TEXT, "it is up", .schema = VERDICT)};
static const struct fields alive_fields = FIELDS(alive_list, 0);
static const struct field health_list[] = {STATUS_FIELDS(&alive_fields)};
const struct fields health_fields = FIELDS(health_list, 0);

static const struct field checks_list[] = {
    FIELD_OUT("database", FIELD_TEXT, "records can be written", .schema = VERDICT),
    FIELD_OUT("engine", FIELD_TEXT, "it answers, and cells can be made", .schema = VERDICT),
    FIELD_OUT("languages", FIELD_TEXT, "at least one can run", .schema = VERDICT),
    FIELD_OUT("server", FIELD_TEXT, "unavailable: it shuts down", .schema = VERDICT),
    FIELD_OUT_MAYBE("isolation_reason", FIELD_TEXT, "why it is not the one that the settings ask for"),
    FIELD_OUT("isolation", FIELD_TEXT, "what parts programs from each other",
              .schema = "{\"enum\": [\"capsule\", \"container\", \"unavailable\"]}"),
};
static const struct fields checks_fields = FIELDS(checks_list, 0);
static const struct field ready_list[] = {STATUS_FIELDS(&checks_fields)};
const struct fields ready_fields = FIELDS(ready_list, 0);

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

/* Which isolation is in use, and why it is not the one that was asked for. */
static int put_isolation(json_t *checks, struct pool_isolation isolation)
{
    const char *name = isolation.capsules ? "capsule" : "container";

    if (!isolation.chosen)
        return json_object_set_new(checks, "isolation", verdict(false));
    if (isolation.asked != isolation.capsules &&
        json_object_set_new(checks, "isolation_reason", json_string(isolation.reason)) != 0)
        return -1;
    return json_object_set_new(checks, "isolation", json_string(name));
}

static void answer_ready(struct http_exchange *ex, bool database)
{
    struct api *api = api_of(ex);
    bool engine = runner_can_run(api->runner), languages = any_language(api->languages);
    bool ready = database && engine && languages && !api->draining;
    json_t *checks = json_pack("{sosososo}", "database", verdict(database), "engine", verdict(engine), "languages",
                               verdict(languages), "server", verdict(!api->draining));

    if (checks != NULL && put_isolation(checks, runner_isolation(api->runner)) != 0) {
        json_decref(checks);
        checks = NULL; /* out of memory, as api_respond() says */
    }
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
