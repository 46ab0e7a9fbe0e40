/* How fast bodies are read: by a simulated clock, and by a server on a real loop. */
#include "trial.h"

#include "base/pace.h"
#include "base/seam.h"
#include "http/inflow.h"

#define SECOND UINT64_C(1000000000)
#define PIECE ((size_t)65536)
#define RATE ((uint64_t)100 * PIECE) /* bytes a second: a piece takes 10 ms */
#define BURST ((uint64_t)4 * PIECE)

static const struct http_party one = {.is_key = true, .key = 1}, two = {.is_key = true, .key = 2};

static struct http_inflow inflow_of(uint64_t rate)
{
    return (struct http_inflow){.rate = rate, .burst = BURST};
}

/* A party reads with `connections`, each as soon as it may. Returns the bytes that came from `from` to `to`. */
static size_t read_for(struct http_inflow *inflow, const struct http_party *party, int connections, uint64_t from,
                       uint64_t to)
{
    uint64_t free_at[16] = {0};
    size_t bytes = 0;

    for (uint64_t now = from; now < to; now += SECOND / 1000)
        for (int i = 0; i < connections; i++) {
            if (free_at[i] > now)
                continue;
            bytes += PIECE;
            free_at[i] = now + http_inflow_take(inflow, party, PIECE, now);
        }
    return bytes;
}

static void a_party_that_is_alone(void **state)
{
    (void)state;
    struct http_inflow inflow = inflow_of(RATE);

    http_inflow_see(&inflow, &one, SECOND);
    assert_int_equal(read_for(&inflow, &one, 3, SECOND, 2 * SECOND), 3000 * PIECE);
    http_inflow_see(&inflow, &two, 2 * SECOND); /* for a second there is another */
    assert_int_equal(http_inflow_take(&inflow, &one, 1000 * PIECE, 2 * SECOND), 10 * SECOND - SECOND * BURST / RATE);
    assert_int_equal(http_inflow_take(&inflow, &one, PIECE, 3 * SECOND), 0);
    http_inflow_see(&inflow, &two, 3 * SECOND); /* what came while it was alone costs nothing, what came before does */
    assert_int_equal(http_inflow_take(&inflow, &one, PIECE, 3 * SECOND),
                     9 * SECOND + SECOND * PIECE / RATE - SECOND * BURST / RATE);
}

/* What a party owes is forgotten above the longest rest. */
static void a_rest_has_an_end(void **state)
{
    (void)state;
    struct http_inflow inflow = inflow_of(1);

    for (uint64_t now = SECOND; now < 100 * SECOND; now += SECOND) {
        http_inflow_see(&inflow, &two, now);
        assert_int_equal(http_inflow_take(&inflow, &one, PIECE + BURST, now), HTTP_INFLOW_REST_MAX_NS);
    }
}

/* A request that was read before another one is admitted after it. */
static void requests_out_of_order(void **state)
{
    (void)state;
    struct http_inflow inflow = inflow_of(RATE);

    http_inflow_see(&inflow, &two, 5 * SECOND);
    http_inflow_see(&inflow, &two, SECOND);
    assert_true(http_inflow_take(&inflow, &one, 100 * PIECE, 5 * SECOND) > 0);
}

static void without_a_rate(void **state)
{
    (void)state;
    struct http_inflow inflow = inflow_of(0);

    http_inflow_see(&inflow, &two, SECOND);
    assert_int_equal(http_inflow_take(&inflow, &one, SIZE_MAX, SECOND), 0);
}

/* The burst and then the rate, however many connections a party has, and whatever others read. */
static void each_party_has_its_rate(void **state)
{
    (void)state;
    for (int connections = 1; connections <= 16; connections++) {
        struct http_inflow inflow = inflow_of(RATE);
        size_t before = 0, bytes = 0, other = 0;
        for (uint64_t now = SECOND; now < 11 * SECOND; now += SECOND / 2) {
            http_inflow_see(&inflow, &one, now);
            http_inflow_see(&inflow, &two, now);
            other += read_for(&inflow, &two, 1, now, now + SECOND / 2);
            bytes += read_for(&inflow, &one, connections, now, now + SECOND / 2);
            before = bytes;
        }
        size_t slack = 20 * (size_t)connections * PIECE; /* read_for() forgets its rests at each of its 20 calls */
        assert_in_range(before, 10 * RATE, 10 * RATE + BURST + slack);
        assert_in_range(other, 10 * RATE, 10 * RATE + BURST + 20 * PIECE);
    }
}

/* Who sends is remembered, and who is gone longest is forgotten. */
static void more_parties_than_places(void **state)
{
    (void)state;
    struct http_inflow inflow = inflow_of(RATE);

    http_inflow_see(&inflow, &two, SECOND);
    assert_true(http_inflow_take(&inflow, &one, 100 * PIECE, SECOND) > SECOND / 2);
    for (int64_t key = 10; key < 10 + 3 * HTTP_INFLOW_PARTIES; key++) {
        struct http_party party = http_party_key(key);
        http_inflow_see(&inflow, &party, SECOND + (uint64_t)key);
    }
    assert_true(http_inflow_take(&inflow, &one, PIECE, SECOND + 1000) > SECOND / 2);
    assert_int_equal(http_inflow_take(&inflow, &two, PIECE, SECOND + 1000), 0);
}

/* On a loop. A piece rests for `piece_ms`, after a first one that does not. */

static void open_slow(struct trial *t, uint64_t piece_ms)
{
    t->options.body_rate = PIECE * 1000 / piece_ms;
    trial_open(t);
    t->server->inflow.burst = PIECE;
    http_inflow_see(&t->server->inflow, &two, seam()->monotonic_ns() + 3600 * SECOND);
}

static const char *body_of(size_t pieces)
{
    static char body[6 * PIECE + 1];

    memset(body, 'x', pieces * PIECE);
    body[pieces * PIECE] = '\0';
    return body;
}

static struct http_connection *paused(const struct trial *t)
{
    struct list *node = list_first(&t->server->paused);

    return node != NULL ? container_of(node, struct http_connection, resting) : NULL;
}

/* Its rests alone take longer than a body may. */
static void a_body_that_rests(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    t.options.body_ms = 1200;
    open_slow(&t, 400);
    int fd = client_open(&t);
    uint64_t start = uv_hrtime();
    client_send(&t, fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 393216\r\n\r\n");
    client_send(&t, fd, body_of(6));
    client_expect(&t, fd, 200, body_of(6));
    assert_true(uv_hrtime() - start > 1500 * SECOND / 1000);
    close(fd);
    trial_stop(&t);
}

/* A client that does not send has the time that a body has, and that of its rests. */
static void a_body_that_does_not_come(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    t.options.body_ms = 500;
    open_slow(&t, 1000);
    int fd = client_open(&t);
    uint64_t start = uv_hrtime();
    client_send(&t, fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 393216\r\n\r\n");
    client_send(&t, fd, body_of(2));
    assert_false(client_expect(&t, fd, 408, NULL));
    assert_true(uv_hrtime() - start > SECOND);
    close(fd);
    trial_stop(&t);
}

/* Others go on, and the server can stop. */
static void others_are_read_meanwhile(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    open_slow(&t, 60000);
    int fd = client_open(&t), other = client_open(&t);
    client_send(&t, fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 393216\r\n\r\n");
    client_send(&t, fd, body_of(2));
    TRIAL_UNTIL(&t, NOBODY, paused(&t) != NULL && paused(&t)->rest_end > uv_now(&t.loop) + 5000);
    assert_false(paused(&t)->reading);
    assert_int_equal(paused(&t)->state, HTTP_CONN_BODY);
    for (int i = 0; i < 3; i++) {
        client_send(&t, other, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
        client_expect(&t, other, 200, "abc");
    }
    assert_non_null(paused(&t));
    close(fd);
    close(other);
    trial_stop(&t);
}

/* A server that drains reads on at once. */
static void a_drain_ends_the_rests(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    open_slow(&t, 60000);
    int fd = client_open(&t);
    uint64_t start = uv_hrtime();
    client_send(&t, fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 393216\r\n\r\n");
    client_send(&t, fd, body_of(2));
    TRIAL_UNTIL(&t, NOBODY, paused(&t) != NULL && paused(&t)->rest_end > uv_now(&t.loop) + 5000);
    http_server_drain(t.server);
    client_send(&t, fd, body_of(4));
    client_expect(&t, fd, 200, body_of(6));
    assert_true(uv_hrtime() - start < 5 * SECOND);
    close(fd);
    trial_stop(&t);
}

/* What comes of a refused body rests, too, and the time for which it is dropped is put off by as much. */
static void a_refused_body_rests(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    open_slow(&t, 60000);
    int fd = client_open(&t);
    uint64_t least = uv_now(&t.loop) + HTTP_LINGER_MS + t.options.body_ms + HTTP_INFLOW_REST_MAX_NS / 1000000;
    client_send(&t, fd, "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 393216\r\n\r\n");
    client_send(&t, fd, body_of(2));
    TRIAL_UNTIL(&t, NOBODY, paused(&t) != NULL);
    assert_int_equal(paused(&t)->state, HTTP_CONN_DISCARDING);
    assert_true(paused(&t)->linger_end >= least);
    client_expect(&t, fd, 401, NULL);
    client_reset(fd);
    trial_stop(&t);
}

/* While two owners ask, work for large bodies makes room (base/pace.h). */

static uint64_t set_clock_ns;

/* It goes on by a nanosecond with each look. */
static uint64_t set_clock(void)
{
    return ++set_clock_ns;
}

static void admit_owner(struct http_exchange *ex)
{
    const char *owner = http_header(ex, "X-Owner");

    if (owner != NULL)
        http_set_owner(ex, strtol(owner, NULL, 10));
    http_admit(ex);
}

static void ask_as(struct trial *t, int fd, const char *owner)
{
    char head[200];

    snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\nHost: x\r\n%sContent-Length: 3\r\n\r\nabc", owner);
    client_send(t, fd, head);
    client_expect(t, fd, 200, "abc");
}

static void owners_that_ask_at_the_same_time(void **state)
{
    (void)state;
    struct seam with_clock = seam_system;
    struct trial t;
    trial_init(&t);
    t.options.admit = admit_owner;
    trial_open(&t);
    set_clock_ns = seam()->monotonic_ns() + 3600 * SECOND; /* past what other tests have shared */
    with_clock.monotonic_ns = set_clock;
    seam_set(&with_clock);
    int fd = client_open(&t);
    ask_as(&t, fd, "X-Owner: 1\r\n");
    ask_as(&t, fd, "X-Owner: 1\r\n");
    ask_as(&t, fd, ""); /* without a key: nobody makes room for it */
    assert_false(pace_is_shared(set_clock_ns));
    set_clock_ns += HTTP_INFLOW_COMPANY_NS - 1000;
    ask_as(&t, fd, "X-Owner: 2\r\n");
    assert_true(pace_is_shared(set_clock_ns + HTTP_INFLOW_COMPANY_NS - 1000));
    assert_false(pace_is_shared(set_clock_ns + HTTP_INFLOW_COMPANY_NS));
    set_clock_ns += HTTP_INFLOW_COMPANY_NS;
    ask_as(&t, fd, "X-Owner: 1\r\n");
    assert_false(pace_is_shared(set_clock_ns));
    close(fd);
    trial_stop(&t);
    seam_set(&seam_system);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_party_that_is_alone),     cmocka_unit_test(without_a_rate),
        cmocka_unit_test(each_party_has_its_rate),   cmocka_unit_test(more_parties_than_places),
        cmocka_unit_test(a_body_that_rests),         cmocka_unit_test(a_body_that_does_not_come),
        cmocka_unit_test(others_are_read_meanwhile), cmocka_unit_test(a_refused_body_rests),
        cmocka_unit_test(a_rest_has_an_end),         cmocka_unit_test(requests_out_of_order),
        cmocka_unit_test(a_drain_ends_the_rests),    cmocka_unit_test(owners_that_ask_at_the_same_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
