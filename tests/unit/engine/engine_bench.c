#include "engine_bench.h"

#include <string.h>

void on_change(void *arg, bool up)
{
    struct bench *bench = arg;

    *(up ? &bench->up : &bench->down) = true;
    bench->changes++;
    assert_int_equal(engine_is_up(bench->engine), up);
}

void on_closed(void *arg)
{
    ((struct bench *)arg)->closed = true;
}

void bench_connect(struct bench *bench)
{
    const struct engine_options options = {.host = bench->fake.host, .on_change = on_change, .arg = bench};
    struct error error = {0};

    assert_int_equal(engine_open(&bench->engine, &bench->loop, &options, &error), 0);
    assert_false(engine_is_up(bench->engine));
}

void bench_open_idle(struct bench *bench)
{
    memset(bench, 0, sizeof *bench);
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    fake_open(&bench->fake, &bench->loop);
}

void bench_open(struct bench *bench, const struct fake_rule *rules)
{
    bench_open_idle(bench);
    if (rules != NULL)
        fake_rules(&bench->fake, rules);
    bench_connect(bench);
    run_until(&bench->loop, &bench->up);
}

void bench_close(struct bench *bench)
{
    if (!bench->closed) {
        engine_close(bench->engine, on_closed, bench);
        run_until(&bench->loop, &bench->closed);
    }
    fake_close(&bench->fake);
    run_turns(&bench->loop, 5);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    metrics_reset();
}

void on_outcome(void *arg, int status, json_t *reply, const struct error *error)
{
    struct outcome *outcome = arg;

    outcome->done = true;
    outcome->times++;
    outcome->status = status;
    outcome->reply = json_incref(reply);
    outcome->error = *error;
}

struct call *bench_start(struct bench *bench, const char *path, struct outcome *outcome)
{
    const struct call_options options = {.method = "GET", .path = path, .deadline_ms = 10000, .metric = "test"};

    *outcome = (struct outcome){0};
    struct call *call = engine_call(bench->engine, &options, on_outcome, outcome);
    assert_non_null(call);
    assert_false(outcome->done); /* never from within */
    return call;
}

void bench_get(struct bench *bench, const char *path, struct outcome *outcome)
{
    bench_start(bench, path, outcome);
    run_until(&bench->loop, &outcome->done);
    assert_int_equal(outcome->times, 1);
}
