/* Answers that flow, and filters of answers: on a real loop, with clients that read slowly, leave, or speak HTTP/1.0.
 */
#include "trial.h"

#include "base/buf.h"
#include "http/filter.h"
#include "http/flow.h"

#include <ctype.h>

#define H "Host: x\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"
#define LONG_LEN ((size_t)8 << 20)

/* Each flows until the test ends it. */
static void handle_flow(struct http_exchange *ex)
{
    struct trial *t = http_data(ex);

    trial_note(t, "handle; ");
    t->held = ex;
    http_on_gone(ex, owner_gone, t);
    http_flow_begin(ex, 200, "text/plain");
}

static void handle_untold_flow(struct http_exchange *ex)
{
    struct trial *t = http_data(ex);

    t->held = ex;
    http_flow_begin(ex, 200, "text/plain");
}

static void handle_words(struct http_exchange *ex)
{
    http_header_add(ex, "X-Words", "%d", 3);
    http_flow_begin(ex, 200, "text/plain");
    assert_int_equal(http_flow_write(ex, "one ", 4), 4);
    assert_int_equal(http_flow_write(ex, "two ", 4), 4);
    assert_int_equal(http_flow_write(ex, "", 0), 0);
    assert_int_equal(http_flow_write(ex, "three", 5), 5);
    http_flow_end(ex);
}

static void handle_nothing(struct http_exchange *ex)
{
    http_flow_begin(ex, 200, "text/plain");
    http_flow_end(ex);
}

static void handle_cut(struct http_exchange *ex)
{
    http_flow_begin(ex, 200, "text/plain");
    http_flow_write(ex, "half", 4);
    http_flow_abort(ex);
}

static void handle_split_flow(struct http_exchange *ex)
{
    http_header_add(ex, "Location", "/x\r\nSet-Cookie: %d", 1);
    http_flow_begin(ex, 200, "text/plain");
    http_flow_write(ex, "secret", 6);
    http_flow_end(ex);
}

static void handle_no_content(struct http_exchange *ex)
{
    http_flow_begin(ex, 204, NULL);
    assert_int_equal(http_flow_write(ex, "dropped", 7), 7);
    http_flow_end(ex);
}

/* LONG_LEN bytes, written whenever there is room. */
static struct {
    struct http_exchange *ex;
    size_t written;
    unsigned drained;
    bool over; /* ended, or the client is gone */
} source;

static char pattern[65536]; /* again and again */

static void pump(void)
{
    while (source.written < LONG_LEN) {
        size_t at = source.written % sizeof pattern, len = sizeof pattern - at;
        size_t taken = http_flow_write(source.ex, pattern + at, len);
        source.written += taken;
        if (taken < len)
            return;
    }
    source.over = true;
    http_flow_end(source.ex);
}

static void on_source_drained(void *arg)
{
    (void)arg;
    source.drained++;
    pump();
}

static void on_source_gone(void *arg)
{
    source.over = true;
    trial_note(arg, "gone; ");
}

static void handle_long(struct http_exchange *ex)
{
    memset(&source, 0, sizeof source);
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)('a' + i % 26);
    source.ex = ex;
    http_flow_on_drained(ex, on_source_drained, NULL);
    http_on_gone(ex, on_source_gone, http_data(ex));
    http_flow_begin(ex, 200, "text/plain");
    pump();
}

static void handle_hello_here(struct http_exchange *ex)
{
    http_respond(ex, 200, "text/plain", strdup("hello"), 5);
}

static const struct http_route routes[] = {
    {"GET", "/words", handle_words, ADMIT_NOW},       {"POST", "/words", handle_words, ADMIT_NOW},
    {"GET", "/nothing", handle_nothing, ADMIT_NOW},   {"GET", "/cut", handle_cut, ADMIT_NOW},
    {"GET", "/split", handle_split_flow, ADMIT_NOW},  {"GET", "/no-content", handle_no_content, ADMIT_NOW},
    {"GET", "/flow", handle_flow, ADMIT_NOW},         {"GET", "/untold", handle_untold_flow, ADMIT_NOW},
    {"GET", "/long", handle_long, ADMIT_NOW},         {"GET", "/hello", handle_hello_here, ADMIT_NOW},
    {"POST", "/refused", handle_words, ADMIT_REFUSE}, {NULL, NULL, NULL, 0},
};

static void flow_init(struct trial *t)
{
    trial_init(t);
    t->options.routes = routes;
}

static void flow_start(struct trial *t)
{
    flow_init(t);
    trial_open(t);
}

/* Reads until the text ends so. */
static void read_until(struct trial *t, int fd, char *text, size_t room, const char *end)
{
    size_t len = 0, end_len = strlen(end);

    while (len < end_len || memcmp(text + len - end_len, end, end_len) != 0) {
        assert_true(len + 1 < room);
        if (client_read(t, fd, text + len, 1) != 1)
            fail_msg("the connection ended after: %.*s", (int)len, text);
        text[++len] = '\0';
    }
}

/* The answer's head is `status` and has `header`; its chunks are together `body`. */
static void expect_chunks(struct trial *t, int fd, const char *header, const char *body)
{
    char head[2048], line[64], text[1024];
    size_t len = 0;

    read_until(t, fd, head, sizeof head, "\r\n\r\n");
    assert_non_null(strstr(head, "Transfer-Encoding: chunked\r\n"));
    assert_null(strstr(head, "Content-Length"));
    if (strstr(head, header) == NULL)
        fail_msg("%s is not in: %s", header, head);
    for (;;) {
        read_until(t, fd, line, sizeof line, "\r\n");
        size_t size = strtoul(line, NULL, 16);
        assert_true(len + size < sizeof text);
        assert_int_equal(client_read(t, fd, text + len, size), (long)size);
        len += size;
        read_until(t, fd, line, sizeof line, "\r\n");
        if (size == 0)
            break;
    }
    text[len] = '\0';
    assert_string_equal(text, body);
}

static void pieces_are_chunks(void **state)
{
    (void)state;
    struct trial t;
    flow_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/words") GET("/nothing") GET("/words"));
    expect_chunks(&t, fd, "X-Words: 3\r\n", "one two three");
    expect_chunks(&t, fd, "Connection: keep-alive\r\n", "");
    expect_chunks(&t, fd, "HTTP/1.1 200 OK\r\n", "one two three");
    client_send(&t, fd, GET("/hello"));
    client_expect(&t, fd, 200, "hello");
    close(fd);
    trial_stop(&t);
}

static void http_1_0_ends_with_its_connection(void **state)
{
    (void)state;
    struct trial t;
    char text[1024] = "";
    flow_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "GET /words HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    long len = client_read(&t, fd, text, sizeof text - 1);
    assert_true(len > 0);
    assert_null(strstr(text, "Transfer-Encoding"));
    assert_non_null(strstr(text, "Connection: close\r\n"));
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\none two three");
    close(fd);
    trial_stop(&t);
}

static void some_answers_have_no_body(void **state)
{
    (void)state;
    struct trial t;
    char head[1024];
    flow_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "HEAD /words HTTP/1.1\r\n" H "\r\n" GET("/no-content") GET("/hello"));
    read_until(&t, fd, head, sizeof head, "\r\n\r\n");
    assert_non_null(strstr(head, "Transfer-Encoding: chunked\r\n"));
    read_until(&t, fd, head, sizeof head, "\r\n\r\n");
    assert_non_null(strstr(head, "HTTP/1.1 204 No Content\r\n"));
    assert_null(strstr(head, "Transfer-Encoding"));
    client_expect(&t, fd, 200, "hello");
    close(fd);
    trial_stop(&t);
}

static void bad_headers_become_an_error(void **state)
{
    (void)state;
    struct trial t;
    flow_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/split"));
    expect_chunks(&t, fd, "HTTP/1.1 500 ", "{\"detail\":\"Internal error: the answer's headers are not valid\"}");
    close(fd);
    trial_stop(&t);
}

/* Each piece goes out at once, however long the next one takes. */
static void pieces_come_as_they_are_written(void **state)
{
    (void)state;
    struct trial t;
    char text[1024];
    flow_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/flow"));
    read_until(&t, fd, text, sizeof text, "\r\n\r\n");
    http_flow_write(t.held, "tick", 4);
    read_until(&t, fd, text, sizeof text, "4\r\ntick\r\n");
    http_flow_write(t.held, "tock!", 5);
    read_until(&t, fd, text, sizeof text, "5\r\ntock!\r\n");
    assert_int_equal(trial_connection(&t)->state, HTTP_CONN_FLOWING);
    assert_int_equal(trial_connection(&t)->seat.state, HTTP_SEAT_BUSY);
    http_flow_end(t.held);
    read_until(&t, fd, text, sizeof text, "0\r\n\r\n");
    trial_expect(&t, "admit GET /flow; handle; done 200; ");
    assert_int_equal(trial_connection(&t)->state, HTTP_CONN_IDLE);
    close(fd);
    trial_stop(&t);
}

/* The queue is bounded: a client that reads nothing stops the source, and one that reads again has it go on. */
static void a_slow_client_holds_the_source(void **state)
{
    (void)state;
    struct trial t;
    static char text[LONG_LEN + LONG_LEN / 8];
    flow_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "GET /long HTTP/1.0\r\n\r\n");
    for (int i = 0; i < 50; i++)
        trial_turn(&t, NOBODY);
    size_t stuck = source.written;
    assert_true(stuck < LONG_LEN);
    for (int i = 0; i < 50; i++)
        trial_turn(&t, NOBODY);
    assert_int_equal(source.written, stuck);
    assert_int_equal(trial_connection(&t)->seat.state, HTTP_SEAT_MOVING);
    assert_true(t.server->shares.total >= HTTP_FLOW_MAX && t.server->shares.total <= 8 * HTTP_FLOW_MAX);
    long len = client_read(&t, fd, text, sizeof text);
    assert_true(source.over && source.drained > 0);
    const char *body = strstr(text, "\r\n\r\n") + 4;
    assert_int_equal(len - (body - text), LONG_LEN);
    for (size_t at = 0; at < LONG_LEN; at += sizeof pattern)
        assert_memory_equal(body + at, pattern, sizeof pattern);
    trial_expect(&t, "admit GET /long; done 200; ");
    close(fd);
    TRIAL_UNTIL(&t, NOBODY, t.server->shares.total == 0);
    trial_stop(&t);
}

static void a_client_that_takes_nothing_is_closed(void **state)
{
    (void)state;
    struct trial t;
    flow_init(&t);
    t.options.write_ms = 100;
    trial_open(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/long"));
    trial_expect(&t, "admit GET /long; done 0; gone; ");
    assert_true(source.over);
    close(fd);
    trial_stop(&t);
}

/* While the owner has nothing to write, no deadline passes. */
static void an_owner_may_take_its_time(void **state)
{
    (void)state;
    struct trial t;
    char text[1024];
    flow_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/flow"));
    read_until(&t, fd, text, sizeof text, "\r\n\r\n");
    assert_false(uv_is_active((uv_handle_t *)&trial_connection(&t)->timer));
    http_flow_write(t.held, "late", 4);
    http_flow_end(t.held);
    read_until(&t, fd, text, sizeof text, "0\r\n\r\n");
    close(fd);
    trial_stop(&t);
}

static void clients_leave(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        struct trial t;
        flow_start(&t);
        int fd = client_open(&t);
        bool full = way >= 2;
        client_send(&t, fd, full ? GET("/long") : GET("/flow"));
        if (!full)
            trial_expect(&t, "admit GET /flow; handle; ");
        for (int i = 0; i < 10; i++)
            trial_turn(&t, NOBODY);
        if (way % 2 == 0)
            client_reset(fd);
        else
            close(fd);
        if (way == 1) /* the next write shows that the client has left */
            http_flow_write(t.held, "anybody?", 8);
        trial_expect(&t, full ? "admit GET /long; done 0; gone; " : "done 0; gone; ");
        trial_stop(&t);
    }
}

static void a_half_closed_client_gets_all(void **state)
{
    (void)state;
    struct trial t;
    char text[1024];
    flow_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/flow"));
    trial_expect(&t, "admit GET /flow; handle; ");
    shutdown(fd, SHUT_WR);
    TRIAL_UNTIL(&t, NOBODY, trial_connection(&t)->peer == HTTP_PEER_SHUT);
    http_flow_write(t.held, "all", 3);
    read_until(&t, fd, text, sizeof text, "3\r\nall\r\n");
    http_flow_end(t.held);
    read_until(&t, fd, text, sizeof text, "0\r\n\r\n");
    client_expect_end(&t, fd);
    trial_expect(&t, "done 200; ");
    close(fd);
    trial_stop(&t);
}

/* An owner without a gone callback goes on writing, and all of it is dropped. */
static void an_owner_that_is_not_told(void **state)
{
    (void)state;
    struct trial t;
    flow_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/untold"));
    trial_expect(&t, "admit GET /untold; ");
    client_reset(fd);
    TRIAL_UNTIL(&t, NOBODY, trial_connection(&t)->peer == HTTP_PEER_LOST);
    assert_int_equal(http_flow_write(t.held, "nobody", 6), 6);
    http_flow_end(t.held);
    trial_expect(&t, "done 0; ");
    trial_stop(&t);
}

static void a_cut_answer_has_no_end(void **state)
{
    (void)state;
    struct trial t;
    char text[1024] = "";
    flow_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/cut"));
    client_read(&t, fd, text, sizeof text - 1);
    assert_null(strstr(text, "\r\n0\r\n\r\n"));
    trial_expect(&t, "admit GET /cut; done 0; ");
    close(fd);
    trial_stop(&t);
}

static void stops_while_it_flows(void **state)
{
    (void)state;
    static const char *const requests[] = {GET("/flow"), GET("/long")};
    for (size_t i = 0; i < 2; i++) {
        struct trial t;
        flow_start(&t);
        int fd = client_open(&t);
        client_send(&t, fd, requests[i]);
        TRIAL_UNTIL(&t, NOBODY, trial_connection(&t) != NULL && trial_connection(&t)->state == HTTP_CONN_FLOWING);
        *t.trace = '\0';
        trial_stop(&t);
        assert_string_equal(t.trace, "done 0; gone; ");
        close(fd);
    }
}

/* admit() may answer so before the body was read. */
static void flows_before_the_body(void **state)
{
    (void)state;
    struct trial t;
    flow_init(&t);
    t.options.admit = handle_words;
    trial_open(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "POST /words HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\na");
    expect_chunks(&t, fd, "Connection: close\r\n", "one two three");
    client_send(&t, fd, "bc");
    client_expect_end(&t, fd);
    close(fd);
    trial_stop(&t);
}

/* ── Filters ── */

static unsigned open_filters;
static int filter_fails; /* 1: a filter is out of memory at the next bytes */

struct loud {
    size_t bytes;
};

/* Plain text is upper-cased, and its end tells how many bytes it had. */
static void *loud_open(struct http_exchange *ex, int status, const char *type, int64_t len)
{
    (void)len;
    struct loud *loud = status == 200 && strcmp(type, "text/plain") == 0 ? calloc(1, sizeof *loud) : NULL;

    if (loud == NULL)
        return NULL;
    http_header_add(ex, "X-Loud", "yes");
    open_filters++;
    return loud;
}

static int loud_take(void *state, const char *data, size_t len, bool last, struct buf *out)
{
    struct loud *loud = state;

    if (filter_fails > 0)
        return -1;
    loud->bytes += len;
    for (size_t i = 0; i < len; i++) {
        char c = (char)toupper((unsigned char)data[i]);
        assert_int_equal(buf_append(out, &c, 1), 0);
    }
    return last ? buf_printf(out, "(%zu)", loud->bytes) : 0;
}

static void loud_close(void *state)
{
    open_filters--;
    free(state);
}

/* Keeps all to itself until the end, and then gives it backwards. */
static void *backwards_open(struct http_exchange *ex, int status, const char *type, int64_t len)
{
    (void)type, (void)len;
    struct buf *all = status == 200 && http_query(ex, "backwards") != NULL ? calloc(1, sizeof *all) : NULL;

    if (all == NULL)
        return NULL;
    buf_init(all, 1 << 20);
    open_filters++;
    return all;
}

static int backwards_take(void *state, const char *data, size_t len, bool last, struct buf *out)
{
    struct buf *all = state;

    assert_int_equal(buf_append(all, data, len), 0);
    for (size_t i = all->len; last && i > 0; i--)
        assert_int_equal(buf_append(out, &all->data[i - 1], 1), 0);
    return 0;
}

static void backwards_close(void *state)
{
    open_filters--;
    buf_free(state);
    free(state);
}

static const struct http_filter loud_filter = {loud_open, loud_take, loud_close};
static const struct http_filter backwards_filter = {backwards_open, backwards_take, backwards_close};

static void filter_start(struct trial *t)
{
    static const struct http_filter *const filters[] = {&loud_filter, &backwards_filter, NULL};

    filter_fails = 0;
    flow_init(t);
    t->options.filters = filters;
    trial_open(t);
}

static void filters_change_answers(void **state)
{
    (void)state;
    struct trial t;
    struct answer answer;
    filter_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/hello"));
    client_answer(&t, fd, &answer);
    assert_string_equal(answer.body, "HELLO(5)");
    assert_string_equal(answer_header(&answer, "X-Loud"), "yes");
    free(answer.body);
    client_send(&t, fd, GET("/words"));
    expect_chunks(&t, fd, "X-Loud: yes\r\n", "ONE TWO THREE(13)");
    client_send(&t, fd, GET("/hello?backwards="));
    client_expect(&t, fd, 200, ")5(OLLEH");
    client_send(&t, fd, GET("/words?backwards="));
    expect_chunks(&t, fd, "X-Loud: yes\r\n", ")31(EERHT OWT ENO");
    client_send(&t, fd, GET("/none"));
    client_expect(&t, fd, 404, "{\"detail\":\"Not found: no such path\"}");
    close(fd);
    trial_stop(&t);
    assert_int_equal(open_filters, 0);
}

/* A HEAD does not tell the length of a body that a filter would make. */
static void filters_and_head(void **state)
{
    (void)state;
    struct trial t;
    struct answer answer;
    filter_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "HEAD /hello HTTP/1.1\r\n" H "\r\n");
    client_answer_to(&t, fd, &answer, true);
    assert_int_equal(answer.status, 200);
    assert_null(answer_header(&answer, "Content-Length"));
    assert_string_equal(answer_header(&answer, "X-Loud"), "yes");
    free(answer.body);
    client_send(&t, fd, GET("/split"));
    expect_chunks(&t, fd, "HTTP/1.1 500 ", "{\"detail\":\"Internal error: the answer's headers are not valid\"}");
    close(fd);
    trial_stop(&t);
    assert_int_equal(open_filters, 0);
}

static void filters_without_memory(void **state)
{
    (void)state;
    struct trial t;
    char text[1024] = "";
    struct answer answer;
    filter_start(&t);
    filter_fails = 1;
    int fd = client_open(&t);
    client_send(&t, fd, GET("/hello"));
    client_answer(&t, fd, &answer);
    assert_int_equal(answer.status, 503);
    assert_null(answer_header(&answer, "X-Loud"));
    free(answer.body);
    client_send(&t, fd, GET("/flow"));
    read_until(&t, fd, text, sizeof text, "\r\n\r\n");
    *t.trace = '\0';
    assert_int_equal(http_flow_write(t.held, "lost", 4), 4);
    assert_string_equal(t.trace, ""); /* not within the call */
    trial_expect(&t, "done 0; gone; ");
    client_expect_end(&t, fd);
    close(fd);
    trial_stop(&t);
    assert_int_equal(open_filters, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_chunks),
        cmocka_unit_test(http_1_0_ends_with_its_connection),
        cmocka_unit_test(some_answers_have_no_body),
        cmocka_unit_test(bad_headers_become_an_error),
        cmocka_unit_test(pieces_come_as_they_are_written),
        cmocka_unit_test(a_slow_client_holds_the_source),
        cmocka_unit_test(a_client_that_takes_nothing_is_closed),
        cmocka_unit_test(an_owner_may_take_its_time),
        cmocka_unit_test(clients_leave),
        cmocka_unit_test(a_half_closed_client_gets_all),
        cmocka_unit_test(an_owner_that_is_not_told),
        cmocka_unit_test(a_cut_answer_has_no_end),
        cmocka_unit_test(stops_while_it_flows),
        cmocka_unit_test(flows_before_the_body),
        cmocka_unit_test(filters_change_answers),
        cmocka_unit_test(filters_and_head),
        cmocka_unit_test(filters_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
