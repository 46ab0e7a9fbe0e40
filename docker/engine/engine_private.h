/* The engine's struct, and what call.c (one call) and attach.c (one stream) need of engine.c. */
#ifndef CODECELL_DOCKER_ENGINE_ENGINE_PRIVATE_H
#define CODECELL_DOCKER_ENGINE_ENGINE_PRIVATE_H

#include "base/curl_loop.h"
#include "base/list.h"
#include "docker/engine/call.h"
#include "docker/engine/endpoint.h"
#include "docker/engine/engine.h"

#define ENGINE_VERSION_SIZE 16     /* "1.41" and its NUL */
#define ENGINE_PING_EVERY_MS 5000u /* while it is up: notices an engine that hangs or was replaced */
#define ENGINE_PING_MS 10000u      /* a ping's deadline: a machine under load is slow, not away */
#define ENGINE_RETRY_MIN_MS 100u
#define ENGINE_RETRY_MAX_MS 2000u

enum engine_state { ENGINE_UNKNOWN, ENGINE_UP, ENGINE_DOWN, ENGINE_CLOSING, ENGINE_STATES };

struct engine {
    uv_loop_t *loop;
    struct endpoint endpoint;
    enum engine_state state;
    bool told, told_up; /* whether on_change has fired, and its last word */
    void (*on_change)(void *arg, bool up);
    void *arg;

    struct curl_loop calls, attaches; /* apart: a stream's connection must not count among the idle ones */
    uv_timer_t ping_timer;
    uv_timer_t later; /* the next turn, for what must not happen from within the owner's call */
    struct call *ping;
    unsigned failures; /* pings that failed in a row */

    char version[ENGINE_VERSION_SIZE]; /* "" before the first answer */
    bool podman;

    struct list under_way, refused; /* calls; the refused ones fail at the next turn */
    size_t under_way_count;
    struct list open; /* attaches that have not been freed */
    size_t open_count;
    struct metric_family *calls_total, *call_seconds;
    struct metric *up;

    unsigned parts; /* timers and loops that are not closed yet */
    void (*closed)(void *arg);
    void *closed_arg;
};

void engine_heard(struct engine *engine, CURLcode code); /* a transfer has ended: what this says about the engine */
void engine_later(struct engine *engine);                /* something waits for the next turn */
/* Why the engine takes no call now; false: it takes one. */
bool engine_refuses(const struct engine *engine, struct error *error);
/* What a failed transfer means, in words that name no path or address. */
void engine_explain(CURLcode code, struct error *error);
/* Metrics: one more operation with this result; how long its answer took. */
void engine_count(struct engine *engine, const char *metric, const char *result);
void engine_observe(struct engine *engine, const char *metric, uint64_t started_ns);

#endif
