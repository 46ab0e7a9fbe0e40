/* Every cap and every deadline, reached. */
#include "trial.h"

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
    expect_refusal(&t, fd, 431, "Too many header fields: at most 2");
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
    int silent = client_open(&t); /* when its deadline has passed, so have all of the first one's */
    expect_refusal(&t, silent, 408, "Request timeout: the head did not come within 1 seconds");
    trial_expect(&t, "done 408; ");
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

/* Reads this many bytes, then lets the time for 64 KiB pass: the connection must still be there. */
static void read_for_a_while(struct trial *t, int fd, char *part, size_t len)
{
    size_t before = trial_connection(t)->untaken;

    assert_int_equal(client_read(t, fd, part, len), len);
    TRIAL_UNTIL(t, NOBODY, trial_connection(t) == NULL || trial_connection(t)->untaken != before);
    assert_non_null(trial_connection(t));
    assert_int_equal(trial_connection(t)->state, HTTP_CONN_ANSWERING);
}

static int open_with_buffer(struct trial *t, int bytes)
{
    struct sockaddr_in name = {0};
    const char *address = http_server_address(t->server);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
    uv_ip4_addr("127.0.0.1", atoi(strchr(address, ':') + 1), &name); /* NOLINT(cert-err34-c): our own */
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* Far less than a third of the kernel's buffer in the time that 64 KiB may take: libuv's queue stands still. */
static void answer_that_is_read_at_a_slow_pace(void **state)
{
    (void)state;
    enum { SOME = 192 << 10, TIMES = 4 };
    struct trial t;
    char *part = malloc(BIG_LEN);
    assert_non_null(part);
    trial_init(&t);
    t.options.write_ms = 1000;
    trial_open(&t);
    int fd = open_with_buffer(&t, 65536);
    client_send(&t, fd, GET("/big"));
    TRIAL_UNTIL(&t, NOBODY, trial_connection(&t)->untaken > 0);
    for (int i = 0; i < TIMES; i++)
        read_for_a_while(&t, fd, part, SOME);
    assert_int_equal(client_read(&t, fd, part, BIG_LEN - TIMES * SOME), BIG_LEN - TIMES * SOME);
    trial_expect(&t, "admit GET /big; done 200; ");
    free(part);
    close(fd);
    trial_stop(&t);
}

/* A trickle would hold the answer's memory for hours. */
static void answer_that_is_read_at_a_trickle(void **state)
{
    (void)state;
    struct trial t;
    char part[64];
    trial_init(&t);
    t.options.write_ms = 300;
    trial_open(&t);
    int fd = open_with_buffer(&t, 4096);
    client_send(&t, fd, GET("/big"));
    TRIAL_UNTIL(&t, NOBODY, trial_connection(&t) != NULL);
    while (trial_connection(&t) != NULL && client_read(&t, fd, part, sizeof part) > 0) {
        uint64_t pause = uv_hrtime() + 2000000;
        TRIAL_UNTIL(&t, NOBODY, uv_hrtime() > pause);
    }
    trial_expect(&t, "admit GET /big; done 0; ");
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
    client_send(&t, first, GET("/wait"));
    client_send(&t, second, GET("/wait"));
    trial_expect(&t, "admit GET /wait; handle; admit GET /wait; handle; ");
    int third = client_open(&t);
    client_send(&t, third, GET("/hello"));
    expect_refusal(&t, third, 503, "Too many connections: at most 2 at once");
    assert_int_equal(http_server_connections(t.server), 2);
    close(first);
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 1);
    third = client_open(&t);
    client_send(&t, third, GET("/hello"));
    client_expect(&t, third, 200, "hello");
    close(second);
    close(third);
    trial_stop(&t);
}

/* One more takes the place of the one that has been idle longest, half a head or not. */
static void an_idle_connection_gives_way(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    t.options.connections = 2;
    trial_open(&t);
    int first = client_open(&t);
    client_send(&t, first, GET("/hello"));
    client_expect(&t, first, 200, "hello");
    int second = client_open(&t);
    client_send(&t, second, "GET /hello HTT");
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 2 && trial_connection(&t)->state == HTTP_CONN_HEAD);
    int third = client_open(&t);
    client_send(&t, third, GET("/hello"));
    client_expect(&t, third, 200, "hello");
    client_expect_end(&t, first);
    int fourth = client_open(&t);
    client_send(&t, fourth, GET("/hello"));
    client_expect(&t, fourth, 200, "hello");
    client_expect_end(&t, second);
    assert_int_equal(http_server_connections(t.server), 2);
    close(first);
    close(second);
    close(third);
    close(fourth);
    trial_stop(&t);
}

/* X-Forwarded-For counts if it comes from a trusted proxy, and only then. */
static void whose_a_request_is(void **state)
{
    (void)state;
    static const struct {
        const char *proxies, *peer;
    } table[] = {{"127.0.0.0/8", "192.0.2.7"}, {"10.0.0.0/8", "127.0.0.1"}, {"", "127.0.0.1"}};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct trial t;
        trial_init(&t);
        t.options.proxies = table[i].proxies;
        trial_open(&t);
        int fd = client_open(&t);
        client_send(&t, fd,
                    "GET /wait HTTP/1.1\r\n" H "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n");
        trial_expect(&t, "admit GET /wait; handle; ");
        assert_string_equal(http_peer(t.held), table[i].peer);
        assert_false(http_is_direct_local(t.held));
        close(fd);
        trial_expect(&t, "done 0; gone; ");
        fd = client_open(&t);
        client_send(&t, fd, GET("/wait"));
        trial_expect(&t, "admit GET /wait; handle; ");
        assert_int_equal(http_is_direct_local(t.held), i > 0); /* what a trusted proxy sends is its clients' */
        close(fd);
        trial_stop(&t);
    }
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

/* A refused body is read to its end as long as bytes of it come, and only then is our side shut: a client may read
 * nothing before that, or take our end for the connection's. */
static void refused_upload(void **state)
{
    (void)state;
    static char part[30000];
    struct trial t;
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "POST /refused HTTP/1.1\r\n" H "Content-Length: 120000\r\n\r\n");
    trial_expect(&t, "admit POST /refused; done 401; ");
    struct http_connection *conn = trial_connection(&t);
    for (int i = 0; i < 4; i++) { /* for longer than HTTP_LINGER_MS in all */
        TRIAL_UNTIL(&t, NOBODY, uv_timer_get_due_in(&conn->timer) < HTTP_LINGER_MS - 600);
        assert_int_equal(conn->state, HTTP_CONN_DISCARDING);
        assert_true(client_try_send(&t, fd, part, sizeof part));
        TRIAL_UNTIL(&t, NOBODY, conn->unread == 120000 - ((uint64_t)i + 1) * sizeof part);
    }
    TRIAL_UNTIL(&t, NOBODY, conn->state == HTTP_CONN_LINGERING);
    expect_refusal(&t, fd, 401, "API key is required");
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 0);
    trial_stop(&t);
}

/* Asked whether it may send it, a client that is refused sends no body, and is not waited for. */
static void refused_before_it_is_sent(void **state)
{
    (void)state;
    struct trial t;
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "POST /refused HTTP/1.1\r\n" H "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n");
    TRIAL_UNTIL(&t, NOBODY, trial_connection(&t) != NULL && trial_connection(&t)->state == HTTP_CONN_LINGERING);
    expect_refusal(&t, fd, 401, "API key is required");
    trial_stop(&t);
}

/* How much of a refused body is dropped: what it says, or twice what may be sent, and a little of what follows. */
static void refused_upload_ends(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        size_t least;
    } table[] = {
        {"POST /refused HTTP/1.1\r\n" H "Content-Length: 900000\r\n\r\n", 900000},
        {"POST /refused HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 131072},
        {"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nfffff\r\n", 131072},
    };
    static char part[65536];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct trial t;
        trial_init(&t);
        t.options.body_max = 65536;
        trial_open(&t);
        int fd = client_open(&t);
        client_send(&t, fd, table[i].head);
        size_t sent = 0;
        while (client_try_send(&t, fd, part, sizeof part))
            sent += sizeof part;
        assert_in_range(sent, table[i].least, table[i].least + (16 << 20)); /* with what the kernels hold */
        TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 0);
        close(fd);
        trial_stop(&t);
    }
}

/* As long as a body may take if it is wanted, however it trickles. */
static void refused_upload_that_trickles(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    t.options.body_ms = 100;
    trial_open(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "POST /refused HTTP/1.1\r\n" H "Content-Length: 900000\r\n\r\n");
    while (client_try_send(&t, fd, "x", 1))
        ;
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 0);
    close(fd);
    trial_stop(&t);
}

/* Takes what comes with the owner that the header X-Owner names. */
static void admit_owner(struct http_exchange *ex)
{
    http_set_owner(ex, strtol(http_header(ex, "X-Owner"), NULL, 10));
    http_admit(ex);
}

static int send_part(struct trial *t, const char *owner, const char *part, size_t len)
{
    char head[200];
    int fd = client_open(t);
    size_t before = t->server->shares.total;

    snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\n" H "X-Owner: %s\r\nContent-Length: 1000000\r\n\r\n", owner);
    client_send(t, fd, head);
    assert_true(client_try_send(t, fd, part, len));
    TRIAL_UNTIL(t, NOBODY, t->server->shares.total >= before + len);
    return fd;
}

/* Bodies that one owner has half sent leave room for the others. */
static void bodies_of_one_owner(void **state)
{
    (void)state;
    enum { PARTS = 4 };
    static const char small[] = "POST /echo HTTP/1.1\r\n" H "X-Owner: 2\r\nContent-Length: 3\r\n\r\nabc";
    static char part[65536]; /* with its NUL: a body takes 128 KiB */
    struct trial t;
    int fds[PARTS + 1];
    trial_init(&t);
    t.options.admit = admit_owner;
    t.options.bodies_max = (size_t)8 * 131072;
    trial_open(&t);
    for (int i = 0; i < PARTS; i++)
        fds[i] = send_part(&t, "1", part, sizeof part);
    int over = client_open(&t);
    client_send(&t, over, "POST /echo HTTP/1.1\r\n" H "X-Owner: 1\r\nContent-Length: 100000\r\n\r\n");
    assert_true(client_try_send(&t, over, part, sizeof part));
    expect_refusal(&t, over, 503, "The server is holding too many request bodies. Please try again later.");
    int other = client_open(&t);
    client_send(&t, other, small);
    client_expect(&t, other, 200, "abc");
    close(other);
    fds[PARTS] = send_part(&t, "2", part, sizeof part);
    for (int i = 0; i <= PARTS; i++)
        client_reset(fds[i]);
    TRIAL_UNTIL(&t, NOBODY, t.server->shares.total == 0);
    assert_null(t.server->shares.first);
    trial_stop(&t);
}

/* What others hold counts; what was answered does not. */
static void bodies_together(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t);
    t.options.bodies_max = 600000;
    trial_open(&t);
    static char part[400000];
    int first = client_open(&t), second = client_open(&t);
    client_send(&t, first, "POST /echo HTTP/1.1\r\n" H "Content-Length: 500000\r\n\r\n");
    assert_true(client_try_send(&t, first, part, sizeof part));
    TRIAL_UNTIL(&t, NOBODY, t.server->shares.total >= sizeof part);
    client_send(&t, second, "POST /echo HTTP/1.1\r\n" H "Content-Length: 500000\r\n\r\n");
    assert_true(client_try_send(&t, second, part, sizeof part));
    expect_refusal(&t, second, 503, "The server is holding too many request bodies. Please try again later.");
    client_reset(first);
    TRIAL_UNTIL(&t, NOBODY, t.server->shares.total == 0);
    int third = client_open(&t);
    client_send(&t, third, "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc");
    client_expect(&t, third, 200, "abc");
    close(third);
    trial_stop(&t);
}

static size_t held_at_end;

static void note_held(struct http_exchange *ex, int status, uint64_t ns)
{
    struct trial *t = http_data(ex);

    (void)status;
    (void)ns;
    held_at_end = t->server->shares.total;
}

/* What came of a refused body is let go before its answer is on its way: many at once would shut others out. */
static void refused_body_is_not_held(void **state)
{
    (void)state;
    static char part[400000];
    struct trial t;
    trial_init(&t);
    t.options.bodies_max = 300000;
    t.options.on_done = note_held;
    trial_open(&t);
    held_at_end = SIZE_MAX;
    int fd = client_open(&t);
    client_send(&t, fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 400000\r\n\r\n");
    assert_true(client_try_send(&t, fd, part, sizeof part));
    expect_refusal(&t, fd, 503, "The server is holding too many request bodies. Please try again later.");
    assert_in_range(held_at_end, 1, 1000); /* the answer */
    trial_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_bytes),
        cmocka_unit_test(header_lines),
        cmocka_unit_test(body_bytes),
        cmocka_unit_test(bodies_together),
        cmocka_unit_test(bodies_of_one_owner),
        cmocka_unit_test(refused_body_is_not_held),
        cmocka_unit_test(trailer_bytes),
        cmocka_unit_test(slow_head),
        cmocka_unit_test(trickled_head),
        cmocka_unit_test(slow_body),
        cmocka_unit_test(work_has_no_deadline),
        cmocka_unit_test(idle_is_closed_without_a_word),
        cmocka_unit_test(unread_answer),
        cmocka_unit_test(slowly_read_answer),
        cmocka_unit_test(connections),
        cmocka_unit_test(an_idle_connection_gives_way),
        cmocka_unit_test(whose_a_request_is),
        cmocka_unit_test(connections_far_over),
        cmocka_unit_test(early_bytes),
        cmocka_unit_test(lingering_ends),
        cmocka_unit_test(answer_that_is_read_at_a_slow_pace),
        cmocka_unit_test(answer_that_is_read_at_a_trickle),
        cmocka_unit_test(refused_upload),
        cmocka_unit_test(refused_before_it_is_sent),
        cmocka_unit_test(refused_upload_ends),
        cmocka_unit_test(refused_upload_that_trickles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
