/* Every cap and every deadline, reached. */
#include "trial.h"

#include "http/server.h"

#define H "Host: x\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"

/* The refusal is a sentence, and the connection ends after it. */
static void expect_refusal(struct trial *t, int fd, int status, const char *detail)
{
    struct answer answer;
    char body[256];

    snprintf(body, sizeof body, "{\"detail\":\"%s\"}", detail);
    client_answer(t, fd, &answer);
    assert_string_equal(answer.body, body);
    assert_int_equal(answer.status, status);
    assert_string_equal(answer_header(&answer, "Content-Type"), "application/json");
    assert_string_equal(answer_header(&answer, "Connection"), "close");
    assert_non_null(answer_header(&answer, "X-Request-Id"));
    if (status == 503)
        assert_non_null(answer_header(&answer, "Retry-After"));
    free(answer.body);
    client_expect_end(t, fd);
    close(fd);
}

static void header_bytes(void **state)
{
    (void)state;
    struct trial t;
    char text[5000];
    trial_start(&t);
    int fd = client_open(&t);
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text, "GET /hello HTTP/1.1\r\nX: ", 24);
    client_send(&t, fd, text);
    expect_refusal(&t, fd, 431, "Headers: must be at most 4096 bytes in all");
    trial_expect(&t, "done 431; ");
    trial_stop(&t);
}

static void header_lines(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    t.options.header_count = 2;
    trial_open(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "GET /hello HTTP/1.1\r\n" H "A: b\r\n\r\n");
    client_expect(&t, fd, 200, "hello");
    client_send(&t, fd, "GET /hello HTTP/1.1\r\n" H "A: b\r\nC: d\r\n\r\n");
    expect_refusal(&t, fd, 431, "Headers: must be at most 2");
    trial_stop(&t);
}

static void body_bytes(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nabcd",
        "POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n4\r\n",
        "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\n",
    };
    struct trial t;
    trial_init(&t);
    t.options.body_max = 3;
    trial_open(&t);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int fd = client_open(&t);
        client_send(&t, fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc");
        client_expect(&t, fd, 200, "abc");
        client_send(&t, fd, texts[i]);
        expect_refusal(&t, fd, 413, "Body: must be at most 3 bytes");
    }
    trial_stop(&t);
}

static void trailer_bytes(void **state)
{
    (void)state;
    struct trial t;
    char text[5000];
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n");
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    client_send(&t, fd, text);
    expect_refusal(&t, fd, 431, "Headers: must be at most 4096 bytes in all");
    trial_stop(&t);
}

static void slow_head(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\r\n", "GET /hello HT", "GET /hello HTTP/1.1\r\nHost: x\r\n"};
    struct trial t;
    trial_init(&t);
    t.options.header_ms = 10;
    trial_open(&t);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int fd = client_open(&t);
        client_send(&t, fd, texts[i]);
        expect_refusal(&t, fd, 408, "Request timeout: the head did not come within 1 seconds");
        trial_expect(&t, "done 408; ");
    }
    trial_stop(&t);
}

/* Bytes that trickle in do not move the deadline. */
static void trickled_head(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    t.options.header_ms = 50;
    trial_open(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "GET /");
    while (*t.trace == '\0') {
        if (!client_try_send(&t, fd, "a", 1))
            break;
    }
    expect_refusal(&t, fd, 408, "Request timeout: the head did not come within 1 seconds");
    trial_stop(&t);
}

static void slow_body(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n4\r\nabc",
    };
    struct trial t;
    trial_init(&t);
    t.options.body_ms = 10;
    trial_open(&t);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int fd = client_open(&t);
        client_send(&t, fd, texts[i]);
        expect_refusal(&t, fd, 408, "Request timeout: the body did not come within 1 seconds");
        trial_expect(&t, "admit POST /echo; done 408; ");
    }
    trial_stop(&t);
}

/* A program may take longer than any of the deadlines. */
static void work_has_no_deadline(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    t.options.header_ms = t.options.body_ms = t.options.idle_ms = t.options.write_ms = 300;
    trial_open(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/wait"));
    trial_expect(&t, "admit GET /wait; handle; ");
    uint64_t end = uv_hrtime() + 500000000;
    TRIAL_UNTIL(&t, NOBODY, uv_hrtime() > end);
    assert_string_equal(t.trace, "");
    http_respond(t.held, 200, NULL, strdup("late"), 4);
    client_expect(&t, fd, 200, "late");
    close(fd);
    trial_stop(&t);
}

static void idle_is_closed_without_a_word(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    t.options.idle_ms = 10;
    trial_open(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/hello"));
    assert_true(client_expect(&t, fd, 200, "hello"));
    client_expect_end(&t, fd);
    close(fd);
    trial_expect(&t, "admit GET /hello; done 200; ");
    trial_stop(&t);
}

/* A client that reads nothing is given up; one that reads slowly is not. */
static void unread_answer(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    t.options.write_ms = 20;
    trial_open(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/big"));
    trial_expect(&t, "admit GET /big; done 0; ");
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 0);
    close(fd);
    trial_stop(&t);
}

static void slowly_read_answer(void **state)
{
    (void)state;
    struct trial t;
    static char part[1 << 20];
    size_t have = 0;
    trial_init(&t);
    t.options.write_ms = 1000;
    trial_open(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/big"));
    uint64_t start = uv_hrtime();
    while (have < BIG_LEN) { /* for longer than write_ms in all */
        long n = client_read(&t, fd, part, sizeof part);
        assert_true(n > 0);
        have += (size_t)n;
        uint64_t pause = uv_hrtime() + 40000000;
        TRIAL_UNTIL(&t, NOBODY, uv_hrtime() > pause);
    }
    assert_true(uv_hrtime() - start > 1000000000);
    trial_expect(&t, "admit GET /big; done 200; ");
    close(fd);
    trial_stop(&t);
}

static void connections(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    t.options.connections = 2;
    trial_open(&t);
    int first = client_open(&t);
    int second = client_open(&t);
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 2);
    int third = client_open(&t);
    client_send(&t, third, GET("/hello"));
    expect_refusal(&t, third, 503, "Too many connections: at most 2 at once");
    assert_int_equal(http_server_connections(t.server), 2);
    client_send(&t, first, GET("/hello"));
    client_expect(&t, first, 200, "hello");
    close(first);
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 1);
    third = client_open(&t);
    client_send(&t, third, GET("/hello"));
    client_expect(&t, third, 200, "hello");
    close(second);
    close(third);
    trial_stop(&t);
}

/* So many over the cap that even refusing them costs too much: closed without a word. */
static void connections_far_over(void **state)
{
    (void)state;
    enum { MANY = 80, TOLD = 64 };
    struct trial t;
    int fds[MANY];
    int told = 0;
    trial_init(&t);
    t.options.connections = 0;
    trial_open(&t);
    for (int i = 0; i < MANY; i++)
        fds[i] = client_open(&t);
    for (int i = 0; i < MANY; i++) {
        char byte;
        told += client_read(&t, fds[i], &byte, 1) == 1;
    }
    assert_int_equal(told, TOLD);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    trial_stop(&t);
}

/* While a request is under way, at most a read buffer of what follows is taken; none of it is lost. */
static void early_bytes(void **state)
{
    (void)state;
    enum { MANY = 400000 };
    static const char one[] = GET("/empty");
    struct trial t;
    struct answer answer;
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/wait"));
    trial_expect(&t, "admit GET /wait; handle; ");
    int sent = 0;
    for (int stuck = 0; sent < MANY && stuck < 50; stuck++) {
        while (sent < MANY && send(fd, one, sizeof one - 1, MSG_NOSIGNAL) == (ssize_t)sizeof one - 1) {
            sent++;
            stuck = 0;
        }
        trial_turn(&t, NOBODY);
    }
    assert_in_range(sent, 2, MANY - 1); /* the client was made to wait */
    assert_string_equal(t.trace, "");
    http_respond(t.held, 200, NULL, strdup("x"), 1);
    client_expect(&t, fd, 200, "x");
    for (int i = 0; i < 2000; i++) { /* the one cut at the buffer's end among them */
        client_answer(&t, fd, &answer);
        assert_int_equal(answer.status, 204);
        free(answer.body);
        *t.trace = '\0';
    }
    client_reset(fd);
    trial_stop(&t);
}

/* After a refusal the client may talk on for a while, not for ever. */
static void lingering_ends(void **state)
{
    (void)state;
    struct trial t;
    static char part[65536];
    trial_init(&t);
    t.options.body_max = 65536;
    trial_open(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "NONSENSE\r\n\r\n");
    size_t sent = 0;
    while (client_try_send(&t, fd, part, sizeof part))
        sent += sizeof part;
    assert_in_range(sent, 2 * 65536, 64 << 20);
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 0);
    close(fd);
    fd = client_open(&t);
    client_send(&t, fd, "NONSENSE\r\n\r\n");
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 0); /* the client never closes */
    close(fd);
    trial_stop(&t);
}

/* What others hold counts; what was answered does not. */
static void bodies_together(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    t.options.bodies_max = 6000;
    trial_open(&t);
    static char part[4000];
    int first = client_open(&t), second = client_open(&t);
    client_send(&t, first, "POST /echo HTTP/1.1\r\n" H "Content-Length: 5000\r\n\r\n");
    assert_true(client_try_send(&t, first, part, sizeof part));
    TRIAL_UNTIL(&t, NOBODY, t.server->bodies >= sizeof part);
    client_send(&t, second, "POST /echo HTTP/1.1\r\n" H "Content-Length: 5000\r\n\r\n");
    assert_true(client_try_send(&t, second, part, sizeof part));
    expect_refusal(&t, second, 503, "Too much is being sent at once. Please try again later.");
    client_reset(first);
    TRIAL_UNTIL(&t, NOBODY, t.server->bodies == 0);
    int third = client_open(&t);
    client_send(&t, third, "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc");
    client_expect(&t, third, 200, "abc");
    close(third);
    trial_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_bytes),         cmocka_unit_test(header_lines),
        cmocka_unit_test(body_bytes),           cmocka_unit_test(bodies_together),
        cmocka_unit_test(trailer_bytes),        cmocka_unit_test(slow_head),
        cmocka_unit_test(trickled_head),        cmocka_unit_test(slow_body),
        cmocka_unit_test(work_has_no_deadline), cmocka_unit_test(idle_is_closed_without_a_word),
        cmocka_unit_test(unread_answer),        cmocka_unit_test(slowly_read_answer),
        cmocka_unit_test(connections),          cmocka_unit_test(connections_far_over),
        cmocka_unit_test(early_bytes),          cmocka_unit_test(lingering_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
