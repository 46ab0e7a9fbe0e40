/* Bodies that come piece by piece: taken, held, answered in their middle, left by their client. */
#include "trial.h"

#include "http/body.h"

#define H "Host: x\r\n"
#define P "POST /sum HTTP/1.1\r\n" H
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"
#define LARGE ((size_t)32 << 20) /* more than the kernel keeps between the two */

/* What the owner of each test does with a piece. */
static struct {
    struct http_exchange *ex;
    size_t bytes, pieces, sum;
    size_t hold_at;   /* holds once so many bytes have come; 0: never */
    size_t answer_at; /* answers 409 then */
    size_t fail_at;   /* is out of memory then */
    bool told;        /* when the client goes */
} taker;

static void on_taker_gone(void *arg)
{
    taker.ex = NULL;
    trial_note(arg, "gone; ");
}

static int take_piece(struct http_exchange *ex, const char *data, size_t len)
{
    assert_true(len > 0);
    for (size_t i = 0; i < len; i++)
        taker.sum += (unsigned char)data[i];
    taker.bytes += len;
    taker.pieces++;
    if (taker.fail_at > 0 && taker.bytes >= taker.fail_at)
        return -1;
    if (taker.answer_at > 0 && taker.bytes >= taker.answer_at)
        http_respond_error(ex, 409, "Enough");
    if (taker.hold_at > 0 && taker.bytes >= taker.hold_at) {
        taker.hold_at = 0;
        http_body_hold(ex);
    }
    return 0;
}

static void admit_flowing(struct http_exchange *ex)
{
    if (strcmp(http_path(ex), "/sum") == 0)
        http_body_flows(ex, take_piece);
    taker.ex = ex;
    if (taker.told)
        http_on_gone(ex, on_taker_gone, http_data(ex));
    http_admit(ex);
}

static void handle_sum(struct http_exchange *ex)
{
    char *text;
    size_t len;

    assert_string_equal(http_body(ex, &len), "");
    assert_int_equal(len, 0);
    trial_note(http_data(ex), "handle; ");
    int n = asprintf(&text, "%zu bytes, %zu", taker.bytes, taker.sum);
    assert_true(n > 0);
    http_respond(ex, 200, "text/plain", text, (size_t)n);
}

static const struct http_route routes[] = {
    {"POST", "/sum", handle_sum, 0},
    {"GET", "/hello", handle_hello, 0},
    {"POST", "/echo", handle_echo, 0},
    {NULL, NULL, NULL, 0},
};

static void body_init(struct trial *t)
{
    memset(&taker, 0, sizeof taker);
    trial_init(t);
    t->options.routes = routes;
    t->options.admit = admit_flowing;
    t->options.body_max = 2 * LARGE;
}

static int body_start(struct trial *t)
{
    trial_open(t);
    return client_open(t);
}

/* Sends as much of LARGE as the server lets it. */
static size_t send_some(struct trial *t, int fd, size_t sent)
{
    static char ones[LARGE];
    unsigned stuck = 0;

    memset(ones, 1, sizeof ones);
    while (sent < LARGE && stuck < 50) {
        ssize_t n = send(fd, ones, LARGE - sent, MSG_NOSIGNAL);
        assert_true(n > 0 || errno == EAGAIN);
        stuck = n > 0 ? 0 : stuck + 1;
        sent += n > 0 ? (size_t)n : 0;
        trial_turn(t, NOBODY);
    }
    return sent;
}

static void send_large_head(struct trial *t, int fd)
{
    char head[128];

    snprintf(head, sizeof head, P "Content-Length: %zu\r\n\r\n", LARGE);
    client_send(t, fd, head);
}

static void pieces_come_as_they_arrive(void **state)
{
    (void)state;
    struct trial t;
    body_init(&t);
    int fd = body_start(&t);
    client_send(&t, fd, P "Content-Length: 6\r\n\r\n\1\2");
    TRIAL_UNTIL(&t, NOBODY, taker.bytes == 2);
    client_send(&t, fd, "\3");
    TRIAL_UNTIL(&t, NOBODY, taker.bytes == 3);
    assert_int_equal(taker.pieces, 2);
    client_send(&t, fd, "\4\5\6" GET("/hello"));
    client_expect(&t, fd, 200, "6 bytes, 21");
    client_expect(&t, fd, 200, "hello");
    client_send(&t, fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nwhole");
    client_expect(&t, fd, 200, "whole");
    close(fd);
    trial_stop(&t);
}

static void chunks_are_pieces(void **state)
{
    (void)state;
    struct trial t;
    body_init(&t);
    int fd = body_start(&t);
    client_send(&t, fd, P "Transfer-Encoding: chunked\r\n\r\n2\r\n\1\2\r\n3\r\n\1\1\1\r\n0\r\n\r\n" GET("/hello"));
    client_expect(&t, fd, 200, "5 bytes, 6");
    assert_int_equal(taker.pieces, 2);
    client_expect(&t, fd, 200, "hello");
    client_send(&t, fd, P "\r\n"); /* none at all */
    client_expect(&t, fd, 200, "5 bytes, 6");
    close(fd);
    trial_stop(&t);
}

/* What is taken is not held, and while it is not taken the client cannot send on. */
static void hold_stops_the_client(void **state)
{
    (void)state;
    struct trial t;
    body_init(&t);
    taker.hold_at = 1;
    int fd = body_start(&t);
    send_large_head(&t, fd);
    size_t sent = send_some(&t, fd, 0);
    assert_true(sent < LARGE);
    struct http_connection *conn = trial_connection(&t);
    assert_int_equal(conn->pending.len, HTTP_READ_MAX);
    assert_int_equal(conn->seat.state, HTTP_SEAT_BUSY);
    assert_true(taker.bytes <= HTTP_READ_MAX);
    http_body_go_on(taker.ex);
    assert_int_equal(send_some(&t, fd, sent), LARGE);
    char text[64];
    snprintf(text, sizeof text, "%zu bytes, %zu", LARGE, LARGE);
    client_expect(&t, fd, 200, text);
    assert_int_equal(t.server->shares.total, 0);
    close(fd);
    trial_stop(&t);
}

/* The whole body has come, and its end is held as well. */
static void hold_at_the_last_piece(void **state)
{
    (void)state;
    struct trial t;
    body_init(&t);
    taker.hold_at = 3;
    int fd = body_start(&t);
    client_send(&t, fd, P "Content-Length: 3\r\n\r\n\1\1\1" GET("/hello"));
    TRIAL_UNTIL(&t, NOBODY, taker.bytes == 3);
    for (int i = 0; i < 10; i++)
        trial_turn(&t, NOBODY);
    assert_string_equal(t.trace, "");
    http_body_go_on(taker.ex);
    client_expect(&t, fd, 200, "3 bytes, 3");
    client_expect(&t, fd, 200, "hello");
    close(fd);
    trial_stop(&t);
}

static void time_passes_only_without_a_hold(void **state)
{
    (void)state;
    struct trial t;
    body_init(&t);
    t.options.body_ms = 30;
    taker.hold_at = 1;
    int fd = body_start(&t);
    client_send(&t, fd, P "Content-Length: 3\r\n\r\n\1");
    TRIAL_UNTIL(&t, NOBODY, taker.bytes == 1);
    assert_false(uv_is_active((uv_handle_t *)&trial_connection(&t)->timer));
    http_body_go_on(taker.ex);
    assert_true(uv_is_active((uv_handle_t *)&trial_connection(&t)->timer));
    assert_false(client_expect(&t, fd, 408, NULL));
    close(fd);
    trial_stop(&t);
}

static void an_answer_ends_the_pieces(void **state)
{
    (void)state;
    struct trial t;
    body_init(&t);
    taker.answer_at = 2;
    int fd = body_start(&t);
    client_send(&t, fd, P "Content-Length: 6\r\n\r\n\1\1");
    assert_false(client_expect(&t, fd, 409, "{\"detail\":\"Enough\"}"));
    client_send(&t, fd, "\1\1\1\1");
    client_expect_end(&t, fd);
    assert_int_equal(taker.bytes, 2);
    assert_string_equal(t.trace, "done 409; ");
    close(fd);
    trial_stop(&t);
}

static void a_taker_without_memory(void **state)
{
    (void)state;
    struct trial t;
    body_init(&t);
    taker.fail_at = 1;
    int fd = body_start(&t);
    client_send(&t, fd, P "Content-Length: 6\r\n\r\n\1\1");
    assert_false(client_expect(&t, fd, 503, NULL));
    close(fd);
    trial_stop(&t);
}

static void clients_leave_within_a_hold(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct trial t;
        body_init(&t);
        taker.hold_at = 1;
        taker.told = way < 2;
        int fd = body_start(&t);
        client_send(&t, fd, P "Content-Length: 6\r\n\r\n\1\1");
        TRIAL_UNTIL(&t, NOBODY, taker.bytes == 2);
        if (way == 1)
            close(fd);
        else
            client_reset(fd);
        if (way == 2) { /* an owner without a gone callback finds out when it goes on */
            TRIAL_UNTIL(&t, NOBODY, trial_connection(&t)->peer == HTTP_PEER_LOST);
            assert_string_equal(t.trace, "");
            http_body_go_on(taker.ex);
        }
        trial_expect(&t, way < 2 ? "done 0; gone; " : "done 0; ");
        trial_stop(&t);
    }
}

static void the_server_stops_within_a_hold(void **state)
{
    (void)state;
    struct trial t;
    body_init(&t);
    taker.hold_at = 1;
    taker.told = true;
    int fd = body_start(&t);
    client_send(&t, fd, P "Content-Length: 6\r\n\r\n\1\1");
    TRIAL_UNTIL(&t, NOBODY, taker.bytes == 2);
    trial_stop(&t);
    assert_string_equal(t.trace, "done 0; gone; ");
    close(fd);
}

/* The most bytes of the body that came in one turn of the loop. */
static struct {
    uv_prepare_t prepare;
    size_t before, most;
} turns;

static void on_turn_begins(uv_prepare_t *prepare)
{
    (void)prepare;
    if (taker.bytes - turns.before > turns.most)
        turns.most = taker.bytes - turns.before;
    turns.before = taker.bytes;
}

static void a_large_body_comes_piece_by_piece(void **state)
{
    (void)state;
    struct trial t;
    struct answer answer;
    char sum[64];
    body_init(&t);
    int fd = body_start(&t);
    turns.before = turns.most = 0;
    uv_prepare_init(&t.loop, &turns.prepare);
    uv_prepare_start(&turns.prepare, on_turn_begins);
    send_large_head(&t, fd);
    assert_int_equal(send_some(&t, fd, 0), LARGE);
    client_answer(&t, fd, &answer);
    snprintf(sum, sizeof sum, "%zu bytes, %zu", LARGE, LARGE);
    assert_string_equal(answer.body, sum);
    free(answer.body);
    assert_true(turns.most > 0 && turns.most <= HTTP_READ_MAX);
    uv_close((uv_handle_t *)&turns.prepare, NULL);
    close(fd);
    trial_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_as_they_arrive),      cmocka_unit_test(chunks_are_pieces),
        cmocka_unit_test(hold_stops_the_client),           cmocka_unit_test(hold_at_the_last_piece),
        cmocka_unit_test(time_passes_only_without_a_hold), cmocka_unit_test(an_answer_ends_the_pieces),
        cmocka_unit_test(a_taker_without_memory),          cmocka_unit_test(clients_leave_within_a_hold),
        cmocka_unit_test(the_server_stops_within_a_hold),  cmocka_unit_test(a_large_body_comes_piece_by_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
