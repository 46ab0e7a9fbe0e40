/* The engine's struct, shared by engine.c (is it there), call.c (one call) and attach.c (one stream). */
#ifndef CODECELL_DOCKER_ENGINE_ENGINE_PRIVATE_H
#define CODECELL_DOCKER_ENGINE_ENGINE_PRIVATE_H

#include "base/buf.h"
#include "base/curl_loop.h"
#include "docker/engine/endpoint.h"
#include "docker/engine/engine.h"

#define ENGINE_VERSION_SIZE 16              /* "1.41" and its NUL */
#define ENGINE_CALLS_MAX 1024u              /* calls under way at once */
#define ENGINE_ATTACHES_MAX 1024u           /* streams at once */
#define ENGINE_REPLY_MAX ((size_t)16 << 20) /* bytes of an answer */
#define ENGINE_PING_EVERY_MS 5000u          /* while it is up: notices an engine that hangs or was exchanged */
#define ENGINE_PING_MS 10000u               /* a ping's deadline: a machine under load is slow, not away */
#define ENGINE_RETRY_MIN_MS 100u
#define ENGINE_RETRY_MAX_MS 2000u

enum engine_state { ENGINE_UNKNOWN, ENGINE_UP, ENGINE_DOWN, ENGINE_CLOSING, ENGINE_STATES };

struct call_list {
    struct call *first, *last;
    size_t count;
};

struct engine {
    uv_loop_t *loop;
    struct endpoint endpoint;
    enum engine_state state;
    bool told, told_up; /* what on_change said last */
    void (*on_change)(void *arg, bool up);
    void *arg;

    struct curl_loop calls, attaches; /* apart: a stream's connection must not count among the idle ones */
    uv_timer_t ping_timer;
    uv_timer_t later; /* for what must not happen from within a call of the owner's */
    struct call *ping;
    unsigned failures; /* pings in a row */

    char version[ENGINE_VERSION_SIZE]; /* "" before the first answer */
    bool podman;

    struct call_list under_way, refused; /* refused: they fail at the next turn */
    struct attach *first_attach;         /* all that are not freed */
    size_t attach_count;
    struct metric_family *calls_total, *call_seconds;
    struct metric *up;

    unsigned parts; /* that are still to be closed: timers, loops, attaches */
    void (*closed)(void *arg);
    void *closed_arg;
};

/* call.c */
struct call {
    struct engine *engine;
    struct call *next, *prev;
    bool refused; /* in that list, not in the multi */
    struct transfer transfer;
    struct curl_slist *headers;
    char *body;
    bool head_whole;
    struct buf reply;
    struct error error; /* refused: why */
    const char *metric;
    uint64_t started_ns;
    void (*inspect)(struct engine *engine, CURL *easy); /* before `done`, where an answer came; NULL: none */
    call_done *done;
    void *arg;
};

/* As engine_call, with the path as it is and whether the engine counts as up or not. */
struct call *call_start(struct engine *engine, const struct call_options *options, const char *path,
                        void (*inspect)(struct engine *engine, CURL *easy), call_done *done, void *arg);
void call_refuse(struct call *call, enum error_code code, const char *text); /* one under way: fails at the next turn */
void call_fire_refused(struct engine *engine);
/* Metrics: one more with this result; how long an answer took. */
void engine_count(struct engine *engine, const char *metric, const char *result);
void engine_observe(struct engine *engine, const char *metric, uint64_t started_ns);
/* What a failed transfer means, in words that name no path or address. */
void engine_explain(CURLcode code, struct error *error);

/* engine.c: what a transfer's end says about the engine; what happens at the next turn. */
void engine_heard(struct engine *engine, CURLcode code);
void engine_later(struct engine *engine);
void engine_part_closed(struct engine *engine);
/* Why nothing can be asked of it now; false: it can. */
bool engine_refuses(const struct engine *engine, struct error *error);

/* attach.c: ends with this error, as if the stream had. */
void attach_abort(struct attach *attach, const struct error *error);
struct attach *attach_next(const struct attach *attach);

#endif
