/* Is the engine there, and which version does it speak? A ping answers both: at the start, every few seconds, at once
 * when a connection breaks, and with a growing pause while the engine is away.
 *
 *   engine_open -> ping -> on_ping: up (version, Podman or not), or down -> timer -> ping …
 *
 * A call or a stream that cannot connect makes the engine down without waiting for a ping (engine_heard). The owner
 * hears of a change at the next turn, never from within its own call. */
#include "docker/engine/engine.h"

#include "base/metrics.h"
#include "base/seam.h"
#include "base/states.h"
#include "docker/engine/attach.h"
#include "docker/engine/engine_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEWEST_MINOR 52u  /* the newest API 1.x that we know */
#define ASSUMED_MINOR 24u /* the API of an engine that names none */
#define IDLE_CONNECTIONS 8L
#define NO_LIMIT 1000000L /* for curl's cache of the streams' connections, which must not drop one */

static const struct states engine_states = {
    .subject = "engine",
    .names = (const char *const[]){"unknown", "up", "down", "closing"},
    .next =
        (const uint32_t[]){
            [ENGINE_UNKNOWN] = STATE(ENGINE_UP) | STATE(ENGINE_DOWN) | STATE(ENGINE_CLOSING),
            [ENGINE_UP] = STATE(ENGINE_DOWN) | STATE(ENGINE_CLOSING),
            [ENGINE_DOWN] = STATE(ENGINE_UP) | STATE(ENGINE_CLOSING),
            [ENGINE_CLOSING] = 0,
        },
    .count = ENGINE_STATES,
};

static void engine_set_state(struct engine *engine, enum engine_state state)
{
    states_move(&engine_states, engine->state, state, NULL);
    engine->state = state;
    metric_set(engine->up, state == ENGINE_UP ? 1 : 0);
    engine_later(engine);
}

bool engine_is_up(const struct engine *engine)
{
    return engine->state == ENGINE_UP;
}

const char *engine_api_version(const struct engine *engine)
{
    return engine->version[0] != '\0' ? engine->version : NULL;
}

bool engine_is_podman(const struct engine *engine)
{
    return engine->podman;
}

bool engine_refuses(const struct engine *engine, struct error *error)
{
    static const char *const why[ENGINE_STATES] = {
        [ENGINE_UNKNOWN] = "the container engine has not answered yet",
        [ENGINE_DOWN] = "the container engine cannot be reached",
        [ENGINE_CLOSING] = "the server is stopping",
    };

    if (why[engine->state] == NULL)
        return false;
    error_set(error, ERROR_UNAVAILABLE, "%s", why[engine->state]);
    return true;
}

void engine_explain(CURLcode code, struct error *error)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        error_set(error, ERROR_UNAVAILABLE, "the container engine did not answer in time");
        break;
    case CURLE_WRITE_ERROR:
        error_set(error, ERROR_INTERNAL, "the container engine's answer is larger than %d MiB",
                  (int)(ENGINE_REPLY_MAX >> 20));
        break;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        error_set(error, ERROR_UNAVAILABLE, "the container engine cannot be reached");
        break;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        error_set(error, ERROR_UNAVAILABLE, "the connection to the container engine broke");
        break;
    default:
        error_set(error, ERROR_UNAVAILABLE, "no answer from the container engine: %s", curl_easy_strerror(code));
    }
}

/* Pings. */

/* Takes the older of the newest versions that the engine and we know. */
static void negotiate(struct engine *engine, const char *offered)
{
    unsigned major = 1, minor = ASSUMED_MINOR;
    char rest;

    if (offered != NULL && sscanf(offered, "%3u.%5u%c", &major, &minor, &rest) != 2) // NOLINT(cert-err34-c): bounded
        major = 1, minor = ASSUMED_MINOR;
    if (major > 1 || minor > NEWEST_MINOR)
        minor = NEWEST_MINOR;
    snprintf(engine->version, sizeof engine->version, "1.%u", minor);
}

static void inspect_ping(struct engine *engine, const struct call *call, int status)
{
    if (status != 200)
        return;
    negotiate(engine, call_header(call, "Api-Version"));
    engine->podman = call_header(call, "Libpod-API-Version") != NULL;
}

static void send_ping(struct engine *engine);

static void on_ping_timer(uv_timer_t *timer)
{
    send_ping(timer->data);
}

static void ping_in(struct engine *engine, uint64_t ms)
{
    if (engine->ping == NULL && engine->state != ENGINE_CLOSING)
        uv_timer_start(&engine->ping_timer, on_ping_timer, ms, 0);
}

static uint64_t retry_pause(unsigned failures)
{
    uint64_t pause = ENGINE_RETRY_MIN_MS;

    for (unsigned i = 1; i < failures && pause < ENGINE_RETRY_MAX_MS; i++)
        pause *= 2;
    return pause < ENGINE_RETRY_MAX_MS ? pause : ENGINE_RETRY_MAX_MS;
}

static void on_ping(void *arg, int status, json_t *reply, const struct error *error)
{
    struct engine *engine = arg;
    bool answered = status == 200;
    enum engine_state state = answered ? ENGINE_UP : ENGINE_DOWN;

    (void)reply, (void)error;
    engine->ping = NULL;
    if (engine->state == ENGINE_CLOSING)
        return;
    engine->failures = answered ? 0 : engine->failures + 1;
    if (engine->state != state)
        engine_set_state(engine, state);
    ping_in(engine, answered ? ENGINE_PING_EVERY_MS : retry_pause(engine->failures));
}

static void send_ping(struct engine *engine)
{
    const struct call_options options = {
        .method = "GET", .path = "/_ping", .deadline_ms = ENGINE_PING_MS, .metric = "ping"};

    engine->ping = call_ping(engine, &options, inspect_ping, on_ping, engine);
    ping_in(engine, ENGINE_RETRY_MAX_MS); /* does nothing unless memory for the ping was lacking */
}

void engine_heard(struct engine *engine, CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        if (engine->state == ENGINE_UP) {
            engine_set_state(engine, ENGINE_DOWN);
            ping_in(engine, ENGINE_RETRY_MIN_MS);
        }
        break;
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        if (engine->state == ENGINE_UP)
            ping_in(engine, 0);
        break;
    default:
        break;
    }
}

/* Closing, and the next turn. */

static void engine_part_closed(struct engine *engine)
{
    if (--engine->parts > 0)
        return;
    void (*closed)(void *arg) = engine->closed;
    void *arg = engine->closed_arg;

    endpoint_free(&engine->endpoint);
    free(engine);
    curl_global_cleanup();
    closed(arg);
}

static void on_curl_loop_closed(void *arg)
{
    engine_part_closed(arg);
}

static void on_engine_timer_closed(uv_handle_t *handle)
{
    engine_part_closed(handle->data);
}

static void engine_end_all(struct engine *engine)
{
    struct error error;

    engine_refuses(engine, &error);
    call_refuse_all(engine, &error);
    attach_fail_all(engine, &error);
}

/* Every call has fired its callback, and the owners have closed every stream. */
static void engine_close_parts(struct engine *engine)
{
    curl_loop_close(&engine->calls, on_curl_loop_closed, engine);
    curl_loop_close(&engine->attaches, on_curl_loop_closed, engine);
    uv_close((uv_handle_t *)&engine->ping_timer, on_engine_timer_closed);
    uv_close((uv_handle_t *)&engine->later, on_engine_timer_closed);
}

static void engine_tell(struct engine *engine)
{
    bool up = engine_is_up(engine);

    if (engine->state == ENGINE_UNKNOWN || engine->state == ENGINE_CLOSING || (engine->told && engine->told_up == up))
        return;
    engine->told = true;
    engine->told_up = up;
    if (engine->on_change != NULL)
        engine->on_change(engine->arg, up);
}

static void on_later(uv_timer_t *timer)
{
    struct engine *engine = timer->data;

    call_fire_refused(engine);
    engine_tell(engine);
    if (engine->state != ENGINE_CLOSING)
        return;
    engine_end_all(engine);
    if (!list_is_empty(&engine->refused))
        engine_later(engine);
    else if (list_is_empty(&engine->open))
        engine_close_parts(engine);
}

void engine_later(struct engine *engine)
{
    if (!uv_is_closing((uv_handle_t *)&engine->later))
        uv_timer_start(&engine->later, on_later, 0, 0);
}

/* Metrics. */

static void register_metrics(struct engine *engine)
{
    static const char *const by_result[] = {"operation", "result", NULL, NULL};
    static const char *const by_operation[] = {"operation", NULL, NULL, NULL};
    static const char *const none[METRIC_LABELS_MAX + 1] = {NULL};

    engine->calls_total =
        metric_family("codecell_engine_calls_total", "Calls to the container engine.", METRIC_COUNTER, by_result, NULL);
    engine->call_seconds = metric_family("codecell_engine_call_seconds", "How long calls to the container engine took.",
                                         METRIC_HISTOGRAM, by_operation, metric_latency_bounds);
    engine->up = metric_series(
        metric_family("codecell_engine_up", "Whether the container engine answers.", METRIC_GAUGE, none, NULL), none);
    metric_set(engine->up, 0);
}

void engine_count(struct engine *engine, const char *metric, const char *result)
{
    const char *const labels[METRIC_LABELS_MAX + 1] = {metric, result};

    metric_add(metric_series(engine->calls_total, labels), 1);
}

void engine_observe(struct engine *engine, const char *metric, uint64_t started_ns)
{
    const char *const labels[METRIC_LABELS_MAX + 1] = {metric};

    metric_observe(metric_series(engine->call_seconds, labels), (double)(seam()->monotonic_ns() - started_ns) / 1e9);
}

/* Opening. */

static void engine_open_timer(struct engine *engine, uv_timer_t *timer)
{
    uv_timer_init(engine->loop, timer);
    timer->data = engine;
}

int engine_open(struct engine **out, uv_loop_t *loop, const struct engine_options *options, struct error *error)
{
    struct engine *engine = calloc(1, sizeof *engine);

    if (engine == NULL)
        return error_memory(error);
    if (endpoint_parse(&engine->endpoint, options->host, options->tls_verify, options->cert_path, error) != 0) {
        free(engine);
        return -1;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    engine->loop = loop;
    engine->on_change = options->on_change;
    engine->arg = options->arg;
    engine->parts = 4; /* two timers, two loops */
    list_init(&engine->under_way);
    list_init(&engine->refused);
    list_init(&engine->open);
    register_metrics(engine);
    curl_loop_open(&engine->calls, loop, IDLE_CONNECTIONS);
    curl_loop_open(&engine->attaches, loop, NO_LIMIT);
    engine_open_timer(engine, &engine->ping_timer);
    engine_open_timer(engine, &engine->later);
    send_ping(engine);
    *out = engine;
    return 0;
}

void engine_close(struct engine *engine, void (*closed)(void *arg), void *arg)
{
    engine->closed = closed;
    engine->closed_arg = arg;
    engine_set_state(engine, ENGINE_CLOSING);
}
