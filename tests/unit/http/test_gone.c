/* A client that leaves, in every way and at every point; and one that only stops sending. */
#include "trial.h"

#define H "Host: x\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"

static char socket_path[64];

/* Each test runs on TCP and on a unix socket. */
static void gone_start(struct trial *t, void **state)
{
    trial_init(t);
    if (*state != NULL) {
        snprintf(socket_path, sizeof socket_path, "unix:/tmp/cc-http-gone-%d", (int)getpid());
        t->options.listen = socket_path;
    }
    trial_open(t);
}

static void reset_while_working(void **state)
{
    struct trial t;
    gone_start(&t, state);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/wait"));
    trial_expect(&t, "admit GET /wait; handle; ");
    client_reset(fd);
    trial_expect(&t, "done 0; gone; ");
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 0);
    trial_stop(&t);
}

static void closed_while_working(void **state)
{
    struct trial t;
    gone_start(&t, state);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/wait"));
    trial_expect(&t, "admit GET /wait; handle; ");
    close(fd);
    trial_expect(&t, "done 0; gone; ");
    trial_stop(&t);
}

static void closed_while_admitting(void **state)
{
    struct trial t;
    gone_start(&t, state);
    int fd = client_open(&t);
    client_send(&t, fd, "POST /told HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc");
    trial_expect(&t, "admit POST /told; ");
    close(fd);
    trial_expect(&t, "done 0; gone; ");
    trial_stop(&t);
}

/* Turns the loop until this many bytes have come, and leaves them there. */
static void await_bytes(struct trial *t, int fd, long count)
{
    char bytes[16];

    TRIAL_UNTIL(t, fd, recv(fd, bytes, sizeof bytes, MSG_PEEK) >= count);
}

/* The answer comes whole, however many of its bytes were sent ahead to see whether the client reads. */
static void half_closed_gets_its_answer(void **state)
{
    struct trial t;

    gone_start(&t, state);
    for (long ahead = 0; ahead <= 4; ahead++) { /* the fourth comes after half a second, the next after two */
        int fd = client_open(&t);
        client_send(&t, fd, GET("/wait"));
        trial_expect(&t, "admit GET /wait; handle; ");
        shutdown(fd, SHUT_WR);
        if (ahead > 0)
            await_bytes(&t, fd, ahead);
        assert_string_equal(t.trace, "");
        http_respond(t.held, 200, "text/plain", strdup("waited"), 6);
        client_expect(&t, fd, 200, "waited");
        client_expect_end(&t, fd);
        trial_expect(&t, "done 200; ");
        close(fd);
    }
    trial_stop(&t);
}

static void half_closed_then_closed(void **state)
{
    struct trial t;
    char ahead;
    gone_start(&t, state);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/wait"));
    trial_expect(&t, "admit GET /wait; handle; ");
    shutdown(fd, SHUT_WR);
    assert_int_equal(client_read(&t, fd, &ahead, 1), 1);
    assert_int_equal(ahead, 'H');
    assert_string_equal(t.trace, "");
    close(fd);
    trial_expect(&t, "done 0; gone; ");
    trial_stop(&t);
}

static void half_closed_pipeline(void **state)
{
    struct trial t;
    gone_start(&t, state);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/wait") GET("/hello") GET("/wait") "GET /cut");
    shutdown(fd, SHUT_WR);
    trial_expect(&t, "admit GET /wait; handle; ");
    http_respond(t.held, 200, NULL, strdup("one"), 3);
    client_expect(&t, fd, 200, "one");
    client_expect(&t, fd, 200, "hello");
    trial_expect(&t, "done 200; admit GET /hello; done 200; admit GET /wait; handle; ");
    http_respond(t.held, 200, NULL, strdup("three"), 5);
    client_expect(&t, fd, 200, "three");
    client_expect_end(&t, fd);
    close(fd);
    trial_stop(&t);
}

/* Without a gone callback the exchange stays until it is answered, because its owner holds it. */
static void owner_that_is_not_told(void **state)
{
    struct trial t;
    gone_start(&t, state);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/hold"));
    trial_expect(&t, "admit GET /hold; handle; ");
    client_reset(fd);
    for (int i = 0; i < 20; i++)
        trial_turn(&t, NOBODY);
    assert_string_equal(t.trace, "");
    http_respond(t.held, 200, NULL, strdup("nobody"), 6);
    trial_expect(&t, "done 0; ");
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 0);
    trial_stop(&t);
}

/* The owner sets the callback after the client has gone: it is called, but not within the owner's call. */
static void owner_that_asks_late(void **state)
{
    struct trial t;
    gone_start(&t, state);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/hold"));
    trial_expect(&t, "admit GET /hold; handle; ");
    client_reset(fd);
    for (int i = 0; i < 20; i++)
        trial_turn(&t, NOBODY);
    http_on_gone(t.held, owner_gone, &t);
    assert_string_equal(t.trace, "");
    trial_expect(&t, "done 0; gone; ");
    trial_stop(&t);
}

static void owner_that_takes_it_back(void **state)
{
    struct trial t;
    gone_start(&t, state);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/wait"));
    trial_expect(&t, "admit GET /wait; handle; ");
    http_on_gone(t.held, NULL, NULL);
    client_reset(fd);
    for (int i = 0; i < 20; i++)
        trial_turn(&t, NOBODY);
    assert_string_equal(t.trace, "");
    http_respond(t.held, 200, NULL, NULL, 0);
    trial_expect(&t, "done 0; ");
    trial_stop(&t);
}

static void admitted_after_leaving(void **state)
{
    struct trial t;
    gone_start(&t, state);
    int fd = client_open(&t);
    client_send(&t, fd, "POST /asked HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc");
    trial_expect(&t, "admit POST /asked; ");
    client_reset(fd);
    for (int i = 0; i < 20; i++)
        trial_turn(&t, NOBODY);
    http_admit(t.held);
    trial_expect(&t, "done 0; ");
    trial_stop(&t);
}

/* A 100 Continue is owed: nothing is sent ahead of it. A client that stops sending here has no request. */
static void half_closed_while_expecting(void **state)
{
    struct trial t;
    char byte;
    gone_start(&t, state);
    int fd = client_open(&t);
    client_send(&t, fd, "POST /told HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    trial_expect(&t, "admit POST /told; ");
    struct http_exchange *expecting = t.held;
    shutdown(fd, SHUT_WR);
    int other = client_open(&t); /* by its second byte the first one's would have come */
    client_send(&t, other, GET("/wait"));
    shutdown(other, SHUT_WR);
    await_bytes(&t, other, 2);
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    close(other);
    trial_expect(&t, "admit GET /wait; handle; done 0; gone; ");
    http_on_gone(expecting, NULL, NULL);
    http_respond_error(expecting, 401, "no");
    client_expect(&t, fd, 401, NULL);
    client_expect_end(&t, fd);
    close(fd);
    trial_stop(&t);
}

static void left_within_head_and_body(void **state)
{
    static const struct {
        const char *text, *trace;
    } table[] = {
        {"", ""},
        {"GET /he", ""},
        {"POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nab", "admit POST /echo; done 0; "},
        {"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "admit POST /echo; done 0; "},
    };
    for (size_t i = 0; i < 2 * sizeof table / sizeof *table; i++) {
        struct trial t;
        gone_start(&t, state);
        int fd = client_open(&t);
        client_send(&t, fd, table[i / 2].text);
        TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 1);
        if (i % 2 == 0)
            close(fd);
        else
            client_reset(fd);
        TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 0);
        assert_string_equal(t.trace, table[i / 2].trace);
        trial_stop(&t);
    }
}

static void left_while_answered(void **state)
{
    struct trial t;
    char part[1000];
    gone_start(&t, state);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/big"));
    client_read(&t, fd, part, sizeof part);
    close(fd);
    trial_expect(&t, "admit GET /big; done 0; ");
    trial_stop(&t);
}

/* So much was sent ahead that nothing more is read: the client's leaving is noticed all the same. */
static void left_behind_a_full_buffer(void **state)
{
    struct trial t;
    static char part[4096];
    gone_start(&t, state);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/wait"));
    trial_expect(&t, "admit GET /wait; handle; ");
    for (int stuck = 0; stuck < 20; stuck++) {
        while (send(fd, part, sizeof part, MSG_NOSIGNAL) > 0)
            stuck = 0;
        trial_turn(&t, NOBODY);
    }
    close(fd);
    trial_expect(&t, "done 0; gone; ");
    trial_stop(&t);
}

#define ON_TCP(f) cmocka_unit_test(f)
#define ON_UNIX(f)                               \
    {                                            \
#f " (unix)", f, NULL, NULL, socket_path \
    }
#define ON_BOTH(f) ON_TCP(f), ON_UNIX(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(reset_while_working),         ON_BOTH(closed_while_working),        ON_BOTH(closed_while_admitting),
        ON_BOTH(half_closed_gets_its_answer), ON_BOTH(half_closed_then_closed),     ON_BOTH(half_closed_pipeline),
        ON_BOTH(owner_that_is_not_told),      ON_BOTH(owner_that_asks_late),        ON_BOTH(owner_that_takes_it_back),
        ON_BOTH(admitted_after_leaving),      ON_BOTH(half_closed_while_expecting), ON_BOTH(left_within_head_and_body),
        ON_BOTH(left_while_answered),         ON_BOTH(left_behind_a_full_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
