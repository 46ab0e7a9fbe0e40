/* Where a server listens, and how it ends: drained, stopped, at every state of its connections. */
#include "trial.h"

#include "base/seam.h"

#include <sys/stat.h>

#define H "Host: x\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"

static char path[64];
static char unix_address[80];

static void expect_no_start(struct trial *t, const char *address, const char *why)
{
    struct error error = {0};
    char text[256];

    t->options.listen = address;
    assert_int_equal(http_server_start(&t->server, &t->loop, &t->options, &error), -1);
    snprintf(text, sizeof text, "listen on %s: %s", address, why);
    assert_string_equal(error.text, text);
    uv_run(&t->loop, UV_RUN_DEFAULT);
}

static void end_loop(struct trial *t)
{
    assert_int_equal(uv_run(&t->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&t->loop), 0);
}

static void expect_hello(struct trial *t)
{
    int fd = client_open(t);

    client_send(t, fd, GET("/hello"));
    client_expect(t, fd, 200, "hello");
    close(fd);
}

static void addresses_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"",         "8002",      ":8002",       "127.0.0.1",       "127.0.0.1:",
                                      "1.2.3:80", "[::1:80",   "::1:8002",    "127.0.0.1:65536", "127.0.0.1:-1",
                                      "[::1]",    "host:8002", "127.0.0.1:8x"};
    struct trial t;
    trial_init(&t);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_no_start(&t, bad[i], "must be an address and a port, as 127.0.0.1:8002 or [::1]:8002, or unix:/path");
    expect_no_start(&t, "unix:relative", "must be an absolute path of at most 107 characters");
    char lengthy[200] = "unix:/";
    memset(lengthy + 6, 'a', 107);
    expect_no_start(&t, lengthy, "must be an absolute path of at most 107 characters");
    expect_no_start(&t, "unix:/nonexistent/socket", "no such directory, or no permission to write there");
    end_loop(&t);
}

static void port_in_use(void **state)
{
    (void)state;
    struct trial t, other;
    trial_start(&t);
    trial_init(&other);
    expect_no_start(&other, http_server_address(t.server), "address already in use");
    end_loop(&other);
    expect_hello(&t);
    trial_stop(&t);
}

static void names_the_real_port(void **state)
{
    (void)state;
    struct trial t;
    trial_start(&t);
    assert_int_equal(strncmp(http_server_address(t.server), "127.0.0.1:", 10), 0);
    assert_true(strtol(http_server_address(t.server) + 10, NULL, 10) > 0);
    trial_stop(&t);
}

static void unix_socket(void **state)
{
    (void)state;
    struct trial t, other;
    struct stat info;
    trial_init(&t);
    t.options.listen = unix_address;
    trial_open(&t);
    assert_string_equal(http_server_address(t.server), unix_address);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0660);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/items/1"));
    client_expect(&t, fd, 200, "id=1 path=- q=- x=- peer=unix length=-1");
    close(fd);
    trial_init(&other); /* it is in use */
    expect_no_start(&other, unix_address, "another server answers there");
    end_loop(&other);
    expect_hello(&t);
    trial_stop(&t);
    assert_int_equal(stat(path, &info), -1);
}

static void unix_socket_left_behind(void **state)
{
    (void)state;
    struct trial t;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    close(fd);
    trial_init(&t);
    t.options.listen = unix_address;
    trial_open(&t);
    expect_hello(&t);
    trial_stop(&t);
}

static void unix_path_taken(void **state)
{
    (void)state;
    struct trial t;
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    trial_init(&t);
    expect_no_start(&t, unix_address, "the path is a file that is not a socket");
    end_loop(&t);
    assert_int_equal(unlink(path), 0);
}

/* Idle connections end at once, a connection at work ends after its answer, and no new client gets in. */
static void drains(void **state)
{
    (void)state;
    struct trial t;
    trial_start(&t);
    int fresh = client_open(&t);
    int idle = client_open(&t);
    int busy = client_open(&t);
    int late = client_open(&t);
    client_send(&t, idle, GET("/hello"));
    client_expect(&t, idle, 200, "hello");
    client_send(&t, late, "GET /he");
    client_send(&t, busy, GET("/wait") GET("/hello"));
    trial_expect(&t, "admit GET /hello; done 200; admit GET /wait; handle; ");
    http_server_drain(t.server);
    client_expect_end(&t, fresh);
    client_expect_end(&t, idle);
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 2);
    client_send(&t, late, "llo HTTP/1.1\r\n" H "\r\n");
    assert_false(client_expect(&t, late, 200, "hello"));
    client_expect_end(&t, late);
    http_respond(t.held, 200, NULL, strdup("x"), 1);
    assert_false(client_expect(&t, busy, 200, "x"));
    client_expect_end(&t, busy);
    close(fresh);
    close(idle);
    close(busy);
    close(late);
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 0);
    http_server_drain(t.server); /* again, to no effect */
    trial_stop(&t);
}

/* Who still sends a body that was refused has a moment to read the answer. */
static void drain_while_discarding(void **state)
{
    (void)state;
    struct trial t;
    trial_start(&t);
    int fds[2];
    for (int i = 0; i < 2; i++) {
        fds[i] = client_open(&t);
        client_send(&t, fds[i], "POST /refused HTTP/1.1\r\n" H "Content-Length: 900\r\n\r\nabc");
        assert_false(client_expect(&t, fds[i], 401, NULL));
        TRIAL_UNTIL(&t, NOBODY, trial_connection(&t)->state == HTTP_CONN_DISCARDING);
    }
    http_server_drain(t.server);
    for (int i = 0; i < 2; i++)
        client_expect_end(&t, fds[i]);
    close(fds[0]);
    LIST_EACH (node, &t.server->connections) {
        struct http_connection *conn = container_of(node, struct http_connection, node);
        assert_int_equal(conn->state, HTTP_CONN_LINGERING);
        assert_true(uv_timer_get_due_in(&conn->timer) <= HTTP_LINGER_MS);
    }
    while (client_try_send(&t, fds[1], "x", 1)) /* however long it goes on */
        trial_turn(&t, NOBODY);
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 0);
    close(fds[1]);
    trial_stop(&t);
}

static void drain_while_answering(void **state)
{
    (void)state;
    struct trial t;
    static char part[BIG_LEN];
    struct answer answer;
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/big"));
    trial_turn(&t, NOBODY);
    http_server_drain(t.server);
    client_answer(&t, fd, &answer); /* it was under way, and promised to stay open */
    assert_int_equal(answer.len, BIG_LEN);
    memset(part, 'b', sizeof part);
    assert_memory_equal(answer.body, part, BIG_LEN);
    free(answer.body);
    client_expect_end(&t, fd);
    close(fd);
    trial_stop(&t);
}

/* What the owner learns when the server stops with a client at each state. */
static void stops_at_each_state(void **state)
{
    (void)state;
    static const struct {
        const char *text, *before, *after;
    } table[] = {
        {"", "", ""},
        {"GET /he", "", ""},
        {"POST /told HTTP/1.1\r\n" H "\r\n", "admit POST /told; ", "done 0; gone; "},
        {"POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\na", "admit POST /echo; ", "done 0; "},
        {GET("/wait"), "admit GET /wait; handle; ", "done 0; gone; "},
        {GET("/big"), "admit GET /big; ", "done 0; "},
        {GET("/hello"), "admit GET /hello; done 200; ", ""},
        {"NONSENSE\r\n", "done 400; ", ""},
        {"POST /refused HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\nabc", "admit POST /refused; done 401; ", ""},
    };
    for (size_t i = 0; i < 2 * sizeof table / sizeof *table; i++) {
        struct trial t;
        trial_start(&t);
        int fd = client_open(&t);
        client_send(&t, fd, table[i / 2].text);
        TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 1);
        trial_expect(&t, table[i / 2].before);
        if (i % 2 == 1)
            http_server_drain(t.server);
        trial_stop(&t);
        assert_string_equal(t.trace, table[i / 2].after);
        close(fd);
    }
}

/* An owner without a gone callback still holds its exchange, so the server waits for the answer. */
static void stop_waits_for_who_is_not_told(void **state)
{
    (void)state;
    struct trial t;
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/hold"));
    trial_expect(&t, "admit GET /hold; handle; ");
    http_server_stop(t.server, trial_closed, &t);
    for (int i = 0; i < 10; i++)
        trial_turn(&t, NOBODY);
    assert_false(t.closed);
    http_respond(t.held, 200, NULL, strdup("x"), 1);
    TRIAL_UNTIL(&t, NOBODY, t.closed);
    assert_string_equal(t.trace, "done 0; ");
    end_loop(&t);
    close(fd);
}

static void stop_from_within(struct http_exchange *ex)
{
    struct trial *t = http_data(ex);

    http_server_stop(t->server, trial_closed, t);
    http_respond(ex, 200, NULL, NULL, 0);
}

static void stops_from_within_a_handler(void **state)
{
    (void)state;
    static const struct http_route routes[] = {{"GET", "/", stop_from_within, ADMIT_NOW}, {NULL, NULL, NULL, 0}};
    struct trial t;
    trial_init(&t);
    t.options.routes = routes;
    trial_open(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/") GET("/"));
    TRIAL_UNTIL(&t, NOBODY, t.closed);
    assert_string_equal(t.trace, "admit GET /; done 0; ");
    end_loop(&t);
    close(fd);
}

/* An idle connection holds neither buffer nor exchange. */
static void idle_connections_are_small(void **state)
{
    (void)state;
    enum { MANY = 500 };
    struct trial t;
    int fds[MANY];
    trial_init(&t);
    t.options.connections = MANY;
    trial_open(&t);
    for (int i = 0; i < MANY; i++) {
        fds[i] = client_open(&t);
        client_send(&t, fds[i], "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc");
        client_expect(&t, fds[i], 200, "abc");
        *t.trace = '\0';
    }
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == MANY);
    assert_true(sizeof(struct http_connection) <= 1056);
    LIST_EACH (node, &t.server->connections) {
        struct http_connection *conn = container_of(node, struct http_connection, node);
        assert_int_equal(conn->state, HTTP_CONN_IDLE);
        assert_null(conn->exchange);
        assert_null(conn->pending.data);
    }
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    trial_stop(&t);
}

/* The way of a connection, a row a state: F resh, H ead, A dmitting, B ody, W orking, S: flowing, a N swering, U
 * pgraded, I dle, D iscarding, L ingering, C losing. Every move that is not here is illegal. */
static void states_have_their_moves(void **state)
{
    (void)state;
    static const char letters[] = "FHABWSNUIDLC";
    static const char *const legal[] = {"HC", "ANC", "BSNC", "WSNC", "SNC", "NC", "UIDLC", "C", "HC", "LC", "C", ""};
    for (unsigned from = 0; from < HTTP_CONN_STATES; from++) {
        struct http_connection conn = {.state = from};
        for (unsigned to = 0; to < HTTP_CONN_STATES; to++)
            assert_int_equal(http_connection_may(&conn, to), strchr(legal[from], letters[to]) != NULL);
    }
}

static int64_t made_up_wall;

static int64_t wall_ns(void)
{
    return made_up_wall;
}

static void date_is_the_clock_s(void **state)
{
    (void)state;
    struct seam made_up = seam_system;
    struct trial t;
    struct answer answer;
    made_up.wall_ns = wall_ns;
    made_up_wall = INT64_C(784111777) * 1000000000;
    seam_set(&made_up);
    trial_start(&t);
    int fd = client_open(&t);
    for (int i = 0; i < 2; i++) {
        client_send(&t, fd, GET("/hello"));
        client_answer(&t, fd, &answer);
        assert_string_equal(answer_header(&answer, "Date"),
                            i == 0 ? "Sun, 06 Nov 1994 08:49:37 GMT" : "Sun, 06 Nov 1994 08:49:39 GMT");
        free(answer.body);
        made_up_wall += 2000000000;
    }
    seam_set(&seam_system);
    close(fd);
    trial_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_that_are_none),
        cmocka_unit_test(port_in_use),
        cmocka_unit_test(names_the_real_port),
        cmocka_unit_test(unix_socket),
        cmocka_unit_test(unix_socket_left_behind),
        cmocka_unit_test(unix_path_taken),
        cmocka_unit_test(drains),
        cmocka_unit_test(drain_while_answering),
        cmocka_unit_test(drain_while_discarding),
        cmocka_unit_test(stops_at_each_state),
        cmocka_unit_test(stop_waits_for_who_is_not_told),
        cmocka_unit_test(stops_from_within_a_handler),
        cmocka_unit_test(idle_connections_are_small),
        cmocka_unit_test(states_have_their_moves),
        cmocka_unit_test(date_is_the_clock_s),
    };
    snprintf(path, sizeof path, "/tmp/cc-http-server-%d", (int)getpid());
    snprintf(unix_address, sizeof unix_address, "unix:%s", path);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
