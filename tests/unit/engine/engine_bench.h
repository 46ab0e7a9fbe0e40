/* An engine against the scripted one, on a loop that must close clean. */
#ifndef CODECELL_TESTS_UNIT_ENGINE_ENGINE_BENCH_H
#define CODECELL_TESTS_UNIT_ENGINE_ENGINE_BENCH_H

#include "lib/fake_engine.h"

#include "base/metrics.h"
#include "docker/engine/call.h"
#include "docker/engine/engine.h"

struct bench {
    uv_loop_t loop;
    struct fake fake;
    struct engine *engine;
    bool up, down, closed; /* what was told; up and down are taken back by the test */
    unsigned changes;
};

/* What a call ended with. */
struct outcome {
    json_t *reply;
    int status;
    unsigned times;
    struct error error;
    bool done;
};

void on_change(void *arg, bool up);
void on_closed(void *arg);
void bench_connect(struct bench *bench);
void bench_open_idle(struct bench *bench);
void bench_open(struct bench *bench, const struct fake_rule *rules);
void bench_close(struct bench *bench);
void on_outcome(void *arg, int status, json_t *reply, const struct error *error);
struct call *bench_start(struct bench *bench, const char *path, struct outcome *outcome);
void bench_get(struct bench *bench, const char *path, struct outcome *outcome);

#endif
