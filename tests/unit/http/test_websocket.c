/* A WebSocket's life on a real loop: messages, holds, signs of life, and every way in which it ends. */
#include "trial.h"

#include "http/websocket.h"

#define H "Host: x\r\n"
#define ASK                                                                                               \
    "GET /ws HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define PATIENT_MS 60000

static struct owner {
    struct websocket *ws;
    struct trial *t;
    bool holds, echoes;
    bool closes_at_stop;
    struct websocket_options options;
} owner;

static void on_open(void *arg, struct websocket *ws)
{
    assert_ptr_equal(arg, &owner);
    owner.ws = ws;
    trial_note(owner.t, "open; ");
}

static void on_message(void *arg, char *text, size_t len)
{
    (void)arg;
    assert_int_equal(strlen(text), len);
    trial_note(owner.t, "message %s; ", text);
    if (owner.echoes)
        assert_true(websocket_send(owner.ws, text, len));
    if (owner.holds)
        websocket_hold(owner.ws, true);
    free(text);
}

static void on_drained(void *arg)
{
    (void)arg;
    trial_note(owner.t, "drained; ");
}

static void on_stop(void *arg)
{
    (void)arg;
    trial_note(owner.t, "stop; ");
    if (owner.closes_at_stop)
        websocket_close(owner.ws, WEBSOCKET_GOING_AWAY, "bye");
}

static void on_bad(void *arg, enum websocket_code code, const char *reason)
{
    (void)arg;
    trial_note(owner.t, "bad %u; ", code);
    websocket_send(owner.ws, reason, strlen(reason));
}

static void on_gone(void *arg)
{
    (void)arg;
    owner.ws = NULL;
    trial_note(owner.t, "gone; ");
}

static const struct websocket_events events = {.on_open = on_open,
                                               .on_message = on_message,
                                               .on_drained = on_drained,
                                               .on_stop = on_stop,
                                               .on_bad = on_bad,
                                               .on_gone = on_gone};

static void handle_socket(struct http_exchange *ex)
{
    if (websocket_accept(ex, &owner.options) != 0)
        trial_note(owner.t, "refused; ");
}

static const struct http_route routes[] = {
    {"GET", "/ws", handle_socket, ADMIT_NOW},
    {NULL, NULL, NULL, 0},
};

static void begin(struct trial *t)
{
    trial_init(t);
    owner = (struct owner){.t = t,
                           .options = {.subprotocol = "p.v1",
                                       .ping_ms = PATIENT_MS,
                                       .pong_ms = PATIENT_MS,
                                       .close_ms = PATIENT_MS,
                                       .events = &events,
                                       .arg = &owner}};
    t->options.routes = routes;
    t->options.body_max = 1000;
    trial_open(t);
}

static int connected(struct trial *t)
{
    int fd = client_open(t);
    struct answer answer;

    client_send(t, fd, ASK "Sec-WebSocket-Protocol: x, p.v1\r\n\r\n");
    client_answer(t, fd, &answer);
    assert_int_equal(answer.status, 101);
    assert_string_equal(answer_header(&answer, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_string_equal(answer_header(&answer, "Sec-WebSocket-Protocol"), "p.v1");
    assert_null(answer_header(&answer, "Sec-WebSocket-Extensions"));
    free(answer.body);
    trial_expect(t, "admit GET /ws; done 101; open; ");
    return fd;
}

/* A frame whose mask is all zeros. */
static void send_frame(struct trial *t, int fd, unsigned first, const char *payload)
{
    char bytes[200] = {(char)first, (char)(0x80 | strlen(payload))};

    snprintf(bytes + 6, sizeof bytes - 6, "%s", payload);
    assert_true(client_try_send(t, fd, bytes, 6 + strlen(payload)));
}

static void expect_bytes(struct trial *t, int fd, const char *bytes, size_t len)
{
    char got[256];

    assert_int_equal(client_read(t, fd, got, len), (long)len);
    assert_memory_equal(got, bytes, len);
}

static void expect_no_connection(struct trial *t)
{
    TRIAL_UNTIL(t, NOBODY, http_server_connections(t->server) == 0);
}

static void end(struct trial *t, int fd)
{
    close(fd);
    expect_no_connection(t);
    trial_stop(t);
}

static void test_messages(void **state)
{
    (void)state;
    struct trial t;
    begin(&t);
    owner.echoes = true;
    int fd = connected(&t);
    send_frame(&t, fd, 0x81, "one");
    send_frame(&t, fd, 0x89, "p");
    send_frame(&t, fd, 0x81, "two");
    expect_bytes(&t, fd, "\x81\3one\x8a\1p\x81\3two", 13);
    trial_expect(&t, "message one; message two; ");
    send_frame(&t, fd, 0x88, "\x03\xe8");
    expect_bytes(&t, fd, "\x88\2\x03\xe8", 4);
    client_expect_end(&t, fd);
    trial_expect(&t, "gone; ");
    end(&t, fd);
}

/* What was sent ahead is read; while it is held nothing is; and what waits comes in its order. */
static void test_hold(void **state)
{
    (void)state;
    struct trial t;
    begin(&t);
    owner.holds = true;
    int fd = client_open(&t);
    char bytes[] = ASK "\r\n\x81\x81\0\0\0\0a\x81\x81\0\0\0\0b\x81\x81\0\0\0\0c";
    struct answer answer;
    assert_true(client_try_send(&t, fd, bytes, sizeof bytes - 1));
    client_answer(&t, fd, &answer);
    free(answer.body);
    trial_expect(&t, "admit GET /ws; done 101; open; message a; ");
    for (int i = 0; i < 5; i++)
        trial_turn(&t, NOBODY);
    assert_string_equal(t.trace, "");
    websocket_hold(owner.ws, false);
    assert_string_equal(t.trace, ""); /* not within the call */
    trial_expect(&t, "message b; ");
    websocket_hold(owner.ws, false);
    trial_expect(&t, "message c; ");
    websocket_hold(owner.ws, false); /* so that the end is read */
    end(&t, fd);
}

static void test_a_client_that_leaves(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        struct trial t;
        begin(&t);
        int fd = connected(&t);
        if (way == 0)
            shutdown(fd, SHUT_WR);
        else
            client_reset(fd);
        trial_expect(&t, "gone; ");
        expect_no_connection(&t);
        if (way == 0)
            close(fd);
        trial_stop(&t);
    }
}

/* The owner closes: after what it has sent; then the client's answer ends it, or time does. */
static void test_close(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        struct trial t;
        begin(&t);
        if (way == 1)
            owner.options.close_ms = 20;
        int fd = connected(&t);
        websocket_send(owner.ws, "last", 4);
        websocket_close(owner.ws, WEBSOCKET_RULES, "why");
        expect_bytes(&t, fd, "\x81\4last\x88\5\x03\xf0why", 13);
        send_frame(&t, fd, 0x81, "ignored");
        if (way == 0)
            send_frame(&t, fd, 0x88, "\x03\xf0");
        if (way == 0)
            client_expect_end(&t, fd);
        else
            expect_no_connection(&t);
        assert_string_equal(t.trace, "");
        end(&t, fd);
    }
}

static void test_bad_frames(void **state)
{
    static const struct {
        unsigned first;
        const char *payload, *trace, *close;
    } cases[] = {{0x81, "\xff", "bad 1007; gone; ", "\x03\xef"}, {0x83, "", "bad 1002; gone; ", "\x03\xea"}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct trial t;
        char got[128];
        begin(&t);
        int fd = connected(&t);
        send_frame(&t, fd, cases[i].first, cases[i].payload);
        send_frame(&t, fd, 0x81, "dropped");
        trial_expect(&t, cases[i].trace);
        long n = client_read(&t, fd, got, sizeof got); /* up to the end of the server's side */
        assert_true(n > 4);
        assert_int_equal(got[0], (char)0x81); /* what on_bad said */
        assert_non_null(memmem(got, (size_t)n, cases[i].close, 2));
        end(&t, fd);
    }
}

static void test_too_large(void **state)
{
    (void)state;
    struct trial t;
    begin(&t);
    int fd = connected(&t);
    websocket_limit(owner.ws, 3);
    send_frame(&t, fd, 0x81, "abc");
    trial_expect(&t, "message abc; ");
    assert_false(websocket_is_receiving(owner.ws));
    send_frame(&t, fd, 0x01, "ab");
    TRIAL_UNTIL(&t, NOBODY, websocket_is_receiving(owner.ws));
    send_frame(&t, fd, 0x80, "cd");
    trial_expect(&t, "bad 1009; gone; ");
    end(&t, fd);
}

/* A message that is being received counts among the bodies that are held, and one too many ends its connection. */
static void test_too_much_at_once(void **state)
{
    (void)state;
    struct trial t;
    char *part = calloc(1, 60000);
    assert_non_null(part);
    begin(&t);
    t.server->options.body_max = 10u << 20;
    t.server->shares.most = 300000;
    int fd = connected(&t);
    for (int i = 0; i < 10 && *t.trace == '\0'; i++) {
        char head[] = {(char)(i == 0 ? 0x01 : 0x00), (char)0xfe, (char)(60000 >> 8), (char)(60000 & 255), 0, 0, 0, 0};
        if (!client_try_send(&t, fd, head, sizeof head) || !client_try_send(&t, fd, part, 60000))
            break;
        for (int turn = 0; turn < 20; turn++)
            trial_turn(&t, NOBODY);
    }
    trial_expect(&t, "bad 1013; gone; ");
    free(part);
    close(fd);
    expect_no_connection(&t);
    assert_int_equal(t.server->shares.total, 0);
    trial_stop(&t);
}

static void test_signs_of_life(void **state)
{
    (void)state;
    struct trial t;
    begin(&t);
    owner.options.ping_ms = 10;
    owner.options.pong_ms = 1000;
    int fd = connected(&t);
    uint64_t start = uv_hrtime();
    while (uv_hrtime() - start < 1500000000u) { /* as long as pongs come, it lives */
        char got[2];
        if (client_read(&t, fd, got, 2) == 2)
            send_frame(&t, fd, 0x8a, "");
    }
    assert_string_equal(t.trace, "");
    trial_expect(&t, "gone; "); /* no pong any more */
    assert_true(uv_hrtime() - start >= 2000000000u);
    end(&t, fd);
}

/* A held client may be unable to send a pong. */
static void test_no_pong_while_held(void **state)
{
    (void)state;
    struct trial t;
    begin(&t);
    owner.options.ping_ms = 5;
    owner.options.pong_ms = 30;
    int fd = connected(&t);
    websocket_hold(owner.ws, true);
    uint64_t start = uv_hrtime();
    while (uv_hrtime() - start < 150000000u)
        trial_turn(&t, NOBODY);
    assert_string_equal(t.trace, "");
    websocket_hold(owner.ws, false);
    trial_expect(&t, "gone; ");
    end(&t, fd);
}

static void test_a_slow_reader(void **state)
{
    (void)state;
    struct trial t;
    char *text = malloc(WEBSOCKET_FULL);
    size_t sent = 0;
    assert_non_null(text);
    memset(text, 'x', WEBSOCKET_FULL);
    begin(&t);
    int fd = connected(&t);
    while (websocket_send(owner.ws, text, WEBSOCKET_FULL / 4)) { /* until kernel and queue are full */
        sent += WEBSOCKET_FULL / 4;
        trial_turn(&t, NOBODY);
        assert_true(sent < (64u << 20));
    }
    for (int i = 0; i < 200; i++)
        send_frame(&t, fd, 0x89, "x"); /* one pong at most will be owed */
    for (int i = 0; i < 20; i++)
        trial_turn(&t, NOBODY);
    assert_string_equal(t.trace, "");
    char *got = malloc(sent + WEBSOCKET_FULL);
    assert_non_null(got);
    assert_true(client_read(&t, fd, got, sent + WEBSOCKET_FULL / 4) > 0);
    trial_expect(&t, "drained; ");
    free(got);
    free(text);
    end(&t, fd);
}

static void test_the_server_ends(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct trial t;
        begin(&t);
        owner.closes_at_stop = way == 1;
        int fd = connected(&t);
        if (way > 0) {
            http_server_drain(t.server);
            trial_expect(&t, "stop; ");
        }
        if (way == 1) {
            expect_bytes(&t, fd,
                         "\x88\5\x03\xe9"
                         "bye",
                         7);
            close(fd);
            expect_no_connection(&t);
        }
        trial_stop(&t);
        assert_string_equal(t.trace, way == 1 ? "" : "gone; ");
        if (way != 1)
            close(fd);
    }
}

static void test_no_handshake(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /ws HTTP/1.1\r\n" H "\r\n", 426},
        {"GET /ws HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", 426},
        {"GET /ws HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", 426},
        {"GET /ws HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 12\r\n\r\n",
         426},
        {"GET /ws HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
         400},
        {"GET /ws HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: abc\r\n\r\n",
         400},
        {ASK "Sec-WebSocket-Protocol: other\r\n\r\n", 400},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial t;
        struct answer answer;
        begin(&t);
        int fd = client_open(&t);
        client_send(&t, fd, cases[i].request);
        client_answer(&t, fd, &answer);
        assert_int_equal(answer.status, cases[i].status);
        if (answer.status == 426)
            assert_string_equal(answer_header(&answer, "Sec-WebSocket-Version"), "13");
        free(answer.body);
        assert_null(owner.ws);
        end(&t, fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_a_client_that_leaves),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_bad_frames),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_too_much_at_once),
        cmocka_unit_test(test_signs_of_life),
        cmocka_unit_test(test_no_pong_while_held),
        cmocka_unit_test(test_a_slow_reader),
        cmocka_unit_test(test_the_server_ends),
        cmocka_unit_test(test_no_handshake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
