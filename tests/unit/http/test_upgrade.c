/* Sockets that are handed over: an echo on them, early bytes, seats, and every way in which they end. */
#include "trial.h"

#include "base/container_of.h"
#include "http/exchange_private.h"

#define H "Host: x\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"
#define UPGRADE(path) "GET " path " HTTP/1.1\r\n" H "Connection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n"

struct echo {
    struct http_socket *socket;
    struct trial *t;
    char room[1024];
};

struct echo_write {
    struct http_write write;
    char bytes[1024];
};

static struct echo echo;
static bool polite; /* the owner wants to be asked to close */
static unsigned writes;

static void on_echoed(struct http_write *write, int status)
{
    (void)status;
    writes--;
    free(container_of(write, struct echo_write, write));
}

static void send_back(const char *data, size_t len)
{
    struct echo_write *request = calloc(1, sizeof *request);

    assert_non_null(request);
    assert_true(len <= sizeof request->bytes);
    memcpy(request->bytes, data, len);
    request->write.done = on_echoed;
    uv_buf_t part = {.base = request->bytes, .len = len};
    writes++;
    assert_int_equal(echo.socket->transport->kind->write(echo.socket->transport, &request->write, &part, 1), 0);
}

static void on_echo_alloc(struct http_transport *transport, uv_buf_t *buf)
{
    struct echo *own = transport->user;

    *buf = uv_buf_init(own->room, sizeof own->room);
}

static void on_echo_read(struct http_transport *transport, ssize_t n, const char *data)
{
    struct echo *own = transport->user;

    if (n > 0) {
        send_back(data, (size_t)n);
        return;
    }
    trial_note(own->t, n == UV_EOF ? "end; " : "lost; ");
    http_socket_close(own->socket);
}

static void on_echo_stop(struct http_socket *socket)
{
    trial_note(echo.t, "stop; ");
    http_socket_close(socket);
}

static void on_opened(void *arg, struct http_socket *socket, const char *early, size_t len)
{
    echo = (struct echo){.socket = socket, .t = arg};
    trial_note(arg, socket != NULL ? "opened; " : "left; ");
    if (socket == NULL)
        return;
    socket->stop = polite ? on_echo_stop : NULL;
    socket->transport->user = &echo;
    socket->transport->on_alloc = on_echo_alloc;
    socket->transport->on_read = on_echo_read;
    if (len > 0)
        send_back(early, len);
    assert_int_equal(socket->transport->kind->read_start(socket->transport), 0);
}

static void handle_echo_socket(struct http_exchange *ex)
{
    if (!http_upgrade_asked(ex, "echo")) {
        http_header_add(ex, "Upgrade", "echo");
        http_respond_error(ex, 426, "Upgrade required");
        return;
    }
    http_header_add(ex, "X-Echo", "1");
    assert_int_equal(http_upgrade(ex, "echo", on_opened, http_data(ex)), 0);
}

/* Held until the test upgrades it. */
static void handle_later(struct http_exchange *ex)
{
    struct trial *t = http_data(ex);

    t->held = ex;
    http_on_gone(ex, owner_gone, t);
}

static void handle_bad_headers(struct http_exchange *ex)
{
    http_header_add(ex, "X-Bad", "a\r\nb: %d", 1);
    assert_int_equal(http_upgrade(ex, "echo", on_opened, http_data(ex)), -1);
    http_respond_error(ex, 400, "not sent");
}

static const struct http_route routes[] = {
    {"GET", "/echo", handle_echo_socket, ADMIT_NOW},
    {"GET", "/later", handle_later, ADMIT_NOW},
    {"GET", "/bad", handle_bad_headers, ADMIT_NOW},
    {"GET", "/hello", handle_hello, ADMIT_NOW},
    {NULL, NULL, NULL, 0},
};

static int upgrade_start(struct trial *t)
{
    polite = true;
    trial_init(t);
    t->options.routes = routes;
    t->options.connections = 1;
    trial_open(t);
    return client_open(t);
}

static void expect_101(struct trial *t, int fd)
{
    struct answer answer;

    client_answer(t, fd, &answer);
    assert_int_equal(answer.status, 101);
    assert_string_equal(answer_header(&answer, "Connection"), "Upgrade");
    assert_string_equal(answer_header(&answer, "Upgrade"), "echo");
    free(answer.body);
}

static void expect_echo(struct trial *t, int fd, const char *text)
{
    char back[256] = "";

    assert_true(strlen(text) < sizeof back);
    assert_int_equal(client_read(t, fd, back, strlen(text)), (long)strlen(text));
    assert_string_equal(back, text);
}

static void expect_gone(struct trial *t)
{
    TRIAL_UNTIL(t, NOBODY, http_server_connections(t->server) == 0);
    assert_int_equal(writes, 0);
}

static void echoes(void **state)
{
    (void)state;
    struct trial t;
    int fd = upgrade_start(&t);
    client_send(&t, fd, GET("/hello") UPGRADE("/echo") "early");
    client_expect(&t, fd, 200, "hello");
    expect_101(&t, fd);
    expect_echo(&t, fd, "early");
    client_send(&t, fd, GET("/hello")); /* which is no request any more */
    expect_echo(&t, fd, GET("/hello"));
    trial_expect(&t, "admit GET /hello; done 200; admit GET /echo; done 101; opened; ");
    close(fd);
    trial_expect(&t, "end; ");
    expect_gone(&t);
    trial_stop(&t);
}

/* The seat is taken until the owner closes, and goes to no other client. */
static void keeps_its_seat(void **state)
{
    (void)state;
    struct trial t;
    int fd = upgrade_start(&t);
    client_send(&t, fd, UPGRADE("/echo"));
    expect_101(&t, fd);
    trial_expect(&t, "admit GET /echo; done 101; opened; ");
    int other = client_open(&t);
    assert_false(client_expect(&t, other, 503, NULL));
    close(other);
    client_send(&t, fd, "still here");
    expect_echo(&t, fd, "still here");
    http_socket_close(echo.socket);
    client_expect_end(&t, fd);
    expect_gone(&t);
    close(fd);
    trial_stop(&t);
}

static void who_does_not_ask(void **state)
{
    (void)state;
    static const char *const requests[] = {
        GET("/echo"),
        "GET /echo HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
        "GET /echo HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: other\r\n\r\n",
        "GET /echo HTTP/1.1\r\n" H "Upgrade: echo\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct trial t;
        int fd = upgrade_start(&t);
        client_send(&t, fd, requests[i]);
        client_expect(&t, fd, 426, "{\"detail\":\"Upgrade required\"}");
        close(fd);
        trial_stop(&t);
    }
}

static void bad_headers_are_not_sent(void **state)
{
    (void)state;
    struct trial t;
    int fd = upgrade_start(&t);
    client_send(&t, fd, GET("/bad"));
    client_expect(&t, fd, 500, NULL);
    close(fd);
    trial_stop(&t);
}

/* A half-closed client: what was sent ahead of the 101 is left out of it, and the owner reads the end. */
static void half_closed(void **state)
{
    (void)state;
    struct trial t;
    int fd = upgrade_start(&t);
    client_send(&t, fd, UPGRADE("/later") "last words");
    TRIAL_UNTIL(&t, NOBODY, t.held != NULL);
    shutdown(fd, SHUT_WR);
    TRIAL_UNTIL(&t, NOBODY, t.held->probes > 0);
    assert_int_equal(http_upgrade(t.held, "echo", on_opened, &t), 0);
    expect_101(&t, fd);
    expect_echo(&t, fd, "last words");
    trial_expect(&t, "admit GET /later; done 101; opened; end; ");
    close(fd);
    trial_stop(&t);
}

static void client_leaves_before_the_101(void **state)
{
    (void)state;
    struct trial t;
    int fd = upgrade_start(&t);
    client_send(&t, fd, UPGRADE("/later"));
    TRIAL_UNTIL(&t, NOBODY, t.held != NULL);
    http_on_gone(t.held, NULL, NULL);
    client_reset(fd);
    TRIAL_UNTIL(&t, NOBODY, trial_connection(&t)->peer == HTTP_PEER_LOST);
    if (http_upgrade(t.held, "echo", on_opened, &t) != 0)
        http_respond_error(t.held, 400, "nobody reads this");
    else
        trial_expect(&t, "admit GET /later; done 0; left; ");
    expect_gone(&t);
    trial_stop(&t);
}

static void client_resets(void **state)
{
    (void)state;
    struct trial t;
    int fd = upgrade_start(&t);
    client_send(&t, fd, UPGRADE("/echo"));
    trial_expect(&t, "admit GET /echo; done 101; opened; ");
    client_reset(fd);
    trial_expect(&t, "lost; ");
    expect_gone(&t);
    trial_stop(&t);
}

static void ends_with_the_server(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        struct trial t;
        int fd = upgrade_start(&t);
        polite = way % 2 == 0;
        client_send(&t, fd, UPGRADE("/echo"));
        expect_101(&t, fd);
        trial_expect(&t, "admit GET /echo; done 101; opened; ");
        if (way >= 2) {
            http_server_drain(t.server);
            client_expect_end(&t, fd);
            expect_gone(&t);
        }
        trial_stop(&t);
        assert_string_equal(t.trace, polite ? "stop; " : "");
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes),           cmocka_unit_test(keeps_its_seat),
        cmocka_unit_test(who_does_not_ask), cmocka_unit_test(bad_headers_are_not_sent),
        cmocka_unit_test(half_closed),      cmocka_unit_test(client_leaves_before_the_101),
        cmocka_unit_test(client_resets),    cmocka_unit_test(ends_with_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
