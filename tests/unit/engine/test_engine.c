/* Is the engine there: versions, going away and coming back, closing at each point. And where it is. */
#include "engine_bench.h"

#include "docker/engine/endpoint.h"

#include <string.h>
#include <unistd.h>

#define PONG(headers) "HTTP/1.1 200 OK\r\n" headers "Content-Length: 2\r\n\r\nOK"

static void test_versions(void **state)
{
    static const struct {
        const char *pong, *version;
        bool podman;
    } cases[] = {
        {PONG("Api-Version: 1.41\r\n"), "1.41", false},
        {PONG("API-VERSION: 1.44\r\n"), "1.44", false},
        {PONG("Api-Version: 1.52\r\n"), "1.52", false},
        {PONG("Api-Version: 1.99\r\n"), "1.52", false},
        {PONG("Api-Version: 2.0\r\n"), "1.52", false},
        {PONG("Api-Version: 1.9\r\n"), "1.9", false},
        {PONG(""), "1.24", false},
        {PONG("Api-Version: new\r\n"), "1.24", false},
        {PONG("Api-Version: 1.41/../x\r\n"), "1.24", false},
        {PONG("Api-Version: 1.40\r\nLibpod-API-Version: 4.3.1\r\n"), "1.40", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake_rule rules[] = {{.match = "/_ping", .data = cases[i].pong}, {0}};
        struct bench bench;

        bench_open(&bench, rules);
        assert_string_equal(engine_api_version(bench.engine), cases[i].version);
        assert_int_equal(engine_is_podman(bench.engine), cases[i].podman);
        bench_close(&bench);
    }
}

/* Pings that count as no answer. */
static void test_bad_pings(void **state)
{
    static const struct fake_rule cases[] = {
        {.match = "/_ping", .data = "HTTP/1.1 500 Oops\r\nApi-Version: 1.41\r\nContent-Length: 0\r\n\r\n"},
        {.match = "/_ping", .data = "", .hangup = true},
        {.match = "/_ping", .data = "hello\r\n", .hangup = true},
        {.match = "/_ping", .data = "HTTP/1.1 200 OK\r\nApi-Vers", .hangup = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fake_rule rules[] = {cases[i], {0}}, none[] = {{0}};
        struct bench bench;

        bench_open_idle(&bench);
        fake_rules(&bench.fake, rules);
        bench_connect(&bench);
        run_until(&bench.loop, &bench.down);
        assert_null(engine_api_version(bench.engine));
        assert_int_equal(bench.changes, 1);
        fake_rules(&bench.fake, none); /* it comes to its senses */
        run_until(&bench.loop, &bench.up);
        assert_string_equal(engine_api_version(bench.engine), "1.41");
        bench_close(&bench);
    }
}

static void test_not_there(void **state)
{
    struct bench bench;
    struct outcome outcome;

    (void)state;
    bench_open_idle(&bench);
    fake_stop(&bench.fake);
    bench_connect(&bench);
    bench_get(&bench, "/early", &outcome); /* nothing is known yet */
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.error.code, ERROR_UNAVAILABLE);
    run_until(&bench.loop, &bench.down);
    bench_get(&bench, "/late", &outcome);
    assert_int_equal(outcome.error.code, ERROR_UNAVAILABLE);
    fake_restart(&bench.fake);
    run_until(&bench.loop, &bench.up);
    bench_get(&bench, "/now", &outcome);
    assert_int_equal(outcome.status, 404);
    assert_int_equal(bench.changes, 2);
    bench_close(&bench);
}

/* The engine restarts under us, as another version: the call that meets it gone makes it down, at once. */
static void test_restart(void **state)
{
    static const struct fake_rule newer[] = {{.match = "/_ping", .data = PONG("Api-Version: 1.44\r\n")}, {0}};
    struct bench bench;
    struct outcome outcome;

    (void)state;
    bench_open(&bench, NULL);
    fake_stop(&bench.fake);
    bench_get(&bench, "/x", &outcome);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.error.code, ERROR_UNAVAILABLE);
    assert_false(engine_is_up(bench.engine));
    run_until(&bench.loop, &bench.down);
    bench.up = false;
    fake_rules(&bench.fake, newer);
    fake_restart(&bench.fake);
    run_until(&bench.loop, &bench.up);
    bench_get(&bench, "/x", &outcome);
    assert_non_null(strstr(bench.fake.request.data, "GET /v1.44/x "));
    assert_int_equal(bench.changes, 3);
    bench_close(&bench);
}

/* The engine goes away during a call: the call fails, and a ping at once finds the engine away. */
static void test_dies_under_call(void **state)
{
    static const struct fake_rule rules[] = {{.match = "/silent", .data = NULL}, {0}};
    struct bench bench;
    struct outcome outcome;

    (void)state;
    bench_open(&bench, rules);
    bench_start(&bench, "/silent", &outcome);
    while (bench.fake.requests == 0)
        uv_run(&bench.loop, UV_RUN_ONCE);
    fake_stop(&bench.fake);
    run_until(&bench.loop, &outcome.done);
    assert_int_equal(outcome.status, 0);
    run_until(&bench.loop, &bench.down);
    bench_close(&bench);
}

static void test_close_before_answer(void **state)
{
    static const struct fake_rule rules[] = {{.match = "/_ping", .data = NULL}, {0}};

    (void)state;
    for (int turns = 0; turns < 5; turns++) {
        struct bench bench;

        bench_open_idle(&bench);
        fake_rules(&bench.fake, rules);
        bench_connect(&bench);
        run_turns(&bench.loop, turns);
        bench_close(&bench);
        assert_int_equal(bench.changes, 0);
    }
}

static void test_close_while_down(void **state)
{
    struct bench bench;

    (void)state;
    bench_open_idle(&bench);
    fake_stop(&bench.fake);
    bench_connect(&bench);
    run_until(&bench.loop, &bench.down);
    bench_close(&bench);
    assert_int_equal(bench.changes, 1);
}

static void test_close_with_calls(void **state)
{
    static const struct fake_rule rules[] = {{.match = "/silent", .data = NULL}, {0}};

    (void)state;
    for (int turns = 0; turns < 8; turns++) {
        struct bench bench;
        struct outcome outcomes[3];

        bench_open(&bench, rules);
        for (size_t i = 0; i < 3; i++)
            bench_start(&bench, "/silent", &outcomes[i]);
        run_turns(&bench.loop, turns);
        bench_close(&bench);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(outcomes[i].times, 1);
            assert_int_equal(outcomes[i].status, 0);
            assert_int_equal(outcomes[i].error.code, ERROR_UNAVAILABLE);
        }
    }
}

struct persistent {
    struct bench *bench;
    unsigned tries, ends;
    bool closes;
};

/* Tries again from within the failure, as an owner may before on_change has fired. */
static void try_again(void *arg, int status, json_t *reply, const struct error *error)
{
    struct persistent *persistent = arg;
    const struct call_options options = {.method = "GET", .path = "/silent", .deadline_ms = 10000, .metric = "test"};

    (void)status, (void)reply;
    assert_int_equal(error->code, persistent->closes ? ERROR_NOT_FOUND : ERROR_UNAVAILABLE);
    persistent->ends++;
    if (persistent->closes) {
        persistent->closes = false;
        engine_close(persistent->bench->engine, on_closed, persistent->bench);
    }
    if (persistent->tries++ < 3)
        assert_non_null(engine_call(persistent->bench->engine, &options, try_again, persistent));
}

static void start_trying(struct persistent *persistent, const char *path)
{
    const struct call_options options = {.method = "GET", .path = path, .deadline_ms = 10000, .metric = "test"};

    assert_non_null(engine_call(persistent->bench->engine, &options, try_again, persistent));
}

static void test_calls_while_closing(void **state)
{
    static const struct fake_rule rules[] = {{.match = "/silent", .data = NULL}, {0}};
    struct bench bench;
    struct persistent persistent = {.bench = &bench};

    (void)state;
    bench_open(&bench, rules);
    start_trying(&persistent, "/silent");
    bench_close(&bench);
    assert_int_equal(persistent.ends, 4);
}

static void test_close_within_done(void **state)
{
    struct bench bench;
    struct persistent persistent = {.bench = &bench, .closes = true};

    (void)state;
    bench_open(&bench, NULL);
    start_trying(&persistent, "/unknown");
    run_until(&bench.loop, &bench.closed);
    assert_int_equal(persistent.ends, 4);
    bench_close(&bench);
}

/* DOCKER_HOST and its companions. `base` NULL: refused, with a sentence that names the variable. */
static void test_endpoints(void **state)
{
    static const struct {
        const char *host;
        bool verify;
        const char *certs, *base, *header, *socket, *error;
    } cases[] = {
        {NULL, false, NULL, "http://docker", "docker", "/var/run/docker.sock", NULL},
        {"", true, NULL, "http://docker", "docker", "/var/run/docker.sock", NULL},
        {"unix:///run/user/1000/podman/podman.sock", false, NULL, "http://docker", "docker",
         "/run/user/1000/podman/podman.sock", NULL},
        {"tcp://10.1.2.3:2375", false, NULL, "http://10.1.2.3:2375", "10.1.2.3:2375", NULL, NULL},
        {"tcp://engine.example", false, "", "http://engine.example:2375", "engine.example:2375", NULL, NULL},
        {"tcp://[::1]:9/", false, NULL, "http://[::1]:9", "[::1]:9", NULL, NULL},
        {"tcp://[::1]", false, NULL, "http://[::1]:2375", "[::1]:2375", NULL, NULL},
        {"tcp://h:1", true, "CERTS", "https://h:1", "h:1", NULL, NULL},
        {"tcp://h", false, "CERTS", "https://h:2376", "h:2376", NULL, NULL},
        {"tcp://h:1", true, NULL, NULL, NULL, NULL, "DOCKER_TLS_VERIFY"},
        {"tcp://h:1", true, "/nowhere", NULL, NULL, NULL, "DOCKER_CERT_PATH"},
        {"tcp://h:1", false, "/nowhere", NULL, NULL, NULL, "DOCKER_CERT_PATH"},
        {"unix://relative", false, NULL, NULL, NULL, NULL, "DOCKER_HOST"},
        {"unix://", false, NULL, NULL, NULL, NULL, "DOCKER_HOST"},
        {"unix:///0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
         "0123456789",
         false, NULL, NULL, NULL, NULL, "DOCKER_HOST"},
        {"tcp://", false, NULL, NULL, NULL, NULL, "DOCKER_HOST"},
        {"tcp://:2375", false, NULL, NULL, NULL, NULL, "DOCKER_HOST"},
        {"tcp://h:1/path", false, NULL, NULL, NULL, NULL, "DOCKER_HOST"},
        {"tcp://h:1\r\nX: y", false, NULL, NULL, NULL, NULL, "DOCKER_HOST"},
        {"tcp://user@h:1", false, NULL, NULL, NULL, NULL, "DOCKER_HOST"},
        {"ssh://h", false, NULL, NULL, NULL, NULL, "DOCKER_HOST"},
        {"/var/run/docker.sock", false, NULL, NULL, NULL, NULL, "DOCKER_HOST"},
    };
    char certs[] = "/tmp/codecell-certs-XXXXXX", path[64];
    static const char *const names[] = {"ca.pem", "cert.pem", "key.pem"};

    (void)state;
    assert_non_null(mkdtemp(certs));
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", certs, names[i]);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fclose(file);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool given = cases[i].certs != NULL && strcmp(cases[i].certs, "CERTS") == 0;
        struct endpoint endpoint;
        struct error error = {0};
        int failed = endpoint_parse(&endpoint, cases[i].host, cases[i].verify, given ? certs : cases[i].certs, &error);

        assert_int_equal(failed, cases[i].base != NULL ? 0 : -1);
        if (failed != 0) {
            assert_int_equal(error.code, ERROR_INVALID);
            assert_non_null(strstr(error.text, cases[i].error != NULL ? cases[i].error : "?"));
            continue;
        }
        assert_string_equal(endpoint.base, cases[i].base);
        assert_string_equal(endpoint.host, cases[i].header);
        assert_int_equal(endpoint.socket != NULL, cases[i].socket != NULL);
        if (endpoint.socket != NULL)
            assert_string_equal(endpoint.socket, cases[i].socket);
        assert_int_equal(endpoint.tls, given);
        assert_int_equal(endpoint.verify, given && cases[i].verify);
        endpoint_free(&endpoint);
    }
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", certs, names[i]);
        unlink(path);
    }
    rmdir(certs);
}

static void test_bad_options(void **state)
{
    const struct engine_options options = {.host = "ssh://h"};
    struct engine *engine = NULL;
    struct error error = {0};
    uv_loop_t loop;

    (void)state;
    uv_loop_init(&loop);
    assert_int_equal(engine_open(&engine, &loop, &options, &error), -1);
    assert_null(engine);
    assert_non_null(strstr(error.text, "DOCKER_HOST"));
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_bad_pings),
        cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_dies_under_call),
        cmocka_unit_test(test_close_before_answer),
        cmocka_unit_test(test_close_while_down),
        cmocka_unit_test(test_close_with_calls),
        cmocka_unit_test(test_calls_while_closing),
        cmocka_unit_test(test_close_within_done),
        cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
