/* Requests and their answers over real sockets: good requests and bad ones. */
#include "trial.h"

#define H "Host: x\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"

static void answers_and_stays_open(void **state)
{
    (void)state;
    struct trial t;
    struct answer answer;
    trial_start(&t);
    int fd = client_open(&t);
    for (int i = 0; i < 3; i++) {
        client_send(&t, fd, "GET /hello HTTP/1.1\r\n" H "X-Request-Id: my.id-1\r\n\r\n");
        client_answer(&t, fd, &answer);
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer.body, "hello");
        assert_string_equal(answer_header(&answer, "X-Request-Id"), "my.id-1");
        assert_string_equal(answer_header(&answer, "Content-Type"), "text/plain");
        assert_string_equal(answer_header(&answer, "Connection"), "keep-alive");
        assert_int_equal(strlen(answer_header(&answer, "Date")), strlen("Sun, 06 Nov 1994 08:49:37 GMT"));
        free(answer.body);
    }
    trial_expect(&t, "admit GET /hello; done 200; admit GET /hello; done 200; admit GET /hello; done 200; ");
    assert_int_equal(http_server_connections(t.server), 1);
    close(fd);
    TRIAL_UNTIL(&t, NOBODY, http_server_connections(t.server) == 0);
    trial_stop(&t);
}

static void request_id_is_made(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a b", "a\"b", "\xc3\xa9",
                                      "0123456789012345678901234567890123456789012345678901234567890123x"};
    struct trial t;
    struct answer answer;
    char text[256];
    trial_start(&t);
    int fd = client_open(&t);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "GET /hello HTTP/1.1\r\n" H "X-Request-Id: %s\r\n\r\n", bad[i]);
        client_send(&t, fd, text);
        client_answer(&t, fd, &answer);
        assert_int_equal(strlen(answer_header(&answer, "X-Request-Id")), 36);
        free(answer.body);
    }
    close(fd);
    trial_stop(&t);
}

static void says_what_was_asked(void **state)
{
    (void)state;
    struct trial t;
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "GET /items/a%2Fb/?q=1%202 HTTP/1.1\r\n" H "X-Many: a\r\nx-many: b\r\n\r\n");
    client_expect(&t, fd, 200, "id=a/b path=- q=1 2 x=a, b peer=127.0.0.1 length=-1");
    client_send(&t, fd, GET("/files/x/y"));
    client_expect(&t, fd, 200, "id=- path=x/y q=- x=- peer=127.0.0.1 length=-1");
    close(fd);
    trial_stop(&t);
}

static void head_has_the_length_alone(void **state)
{
    (void)state;
    struct trial t;
    struct answer answer;
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "HEAD /hello HTTP/1.1\r\n" H "\r\n" GET("/hello"));
    client_answer_to(&t, fd, &answer, true);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_header(&answer, "Content-Length"), "5");
    free(answer.body);
    client_expect(&t, fd, 200, "hello");
    client_send(&t, fd, "HEAD /nothing HTTP/1.1\r\n" H "\r\n" GET("/hello"));
    client_answer_to(&t, fd, &answer, true);
    assert_int_equal(answer.status, 404);
    free(answer.body);
    client_expect(&t, fd, 200, "hello");
    close(fd);
    trial_stop(&t);
}

static void no_content_has_no_length(void **state)
{
    (void)state;
    struct trial t;
    struct answer answer;
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/empty"));
    client_answer(&t, fd, &answer);
    assert_int_equal(answer.status, 204);
    assert_null(answer_header(&answer, "Content-Length"));
    free(answer.body);
    close(fd);
    trial_stop(&t);
}

static void routes_that_are_not(void **state)
{
    (void)state;
    struct trial t;
    struct answer answer;
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/nothing"));
    assert_true(client_expect(&t, fd, 404, "{\"detail\":\"Not found: no such path\"}"));
    client_send(&t, fd, "PUT /items/1 HTTP/1.1\r\n" H "\r\n");
    client_answer(&t, fd, &answer);
    assert_int_equal(answer.status, 405);
    assert_string_equal(answer_header(&answer, "Allow"), "GET, HEAD, DELETE, OPTIONS");
    assert_string_equal(answer_header(&answer, "Content-Type"), "application/json");
    free(answer.body);
    client_send(&t, fd, "OPTIONS /items/1 HTTP/1.1\r\n" H "\r\n");
    client_answer(&t, fd, &answer);
    assert_int_equal(answer.status, 204);
    assert_string_equal(answer_header(&answer, "Allow"), "GET, HEAD, DELETE, OPTIONS");
    free(answer.body);
    client_send(&t, fd, "OPTIONS * HTTP/1.1\r\n" H "\r\n");
    client_answer(&t, fd, &answer);
    assert_int_equal(answer.status, 204);
    assert_string_equal(answer_header(&answer, "Allow"), "GET, HEAD, POST, DELETE, OPTIONS");
    free(answer.body);
    close(fd);
    trial_stop(&t);
}

/* The body of a refused request was not read, so the place where the next request begins is unknown. */
static void refused_before_its_body_closes(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "POST /refused HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n",
        "POST /refused HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nabcde" GET("/hello"),
        "POST /refused HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n",
        "POST /nothing HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nabcde",
        "POST /hello HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nabcde",
    };
    static const int statuses[] = {401, 401, 401, 404, 405};
    struct trial t;
    trial_start(&t);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int fd = client_open(&t);
        client_send(&t, fd, texts[i]);
        assert_false(client_expect(&t, fd, statuses[i], NULL));
        client_expect_end(&t, fd);
        close(fd);
    }
    int fd = client_open(&t);
    client_send(&t, fd, GET("/refused") GET("/hello"));
    assert_true(client_expect(&t, fd, 401, "{\"detail\":\"API key is required\"}"));
    assert_true(client_expect(&t, fd, 200, "hello"));
    close(fd);
    trial_stop(&t);
}

/* The client is still sending when it is refused: it gets its answer, not a reset. */
static void refused_while_sending(void **state)
{
    (void)state;
    struct trial t;
    static char part[65536];
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 2000000\r\n\r\n");
    for (int i = 0; i < 30; i++)
        assert_true(client_try_send(&t, fd, part, sizeof part));
    client_expect(&t, fd, 413, "{\"detail\":\"Body: must be at most 1048576 bytes\"}");
    client_expect_end(&t, fd);
    close(fd);
    trial_expect(&t, "admit POST /echo; done 413; ");
    trial_stop(&t);
}

static void malformed_closes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
    } table[] = {
        {"GARBAGE\r\n\r\n" GET("/hello"), 400},
        {"GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" GET("/hello"), 400},
        {"GET /hello HTTP/3.0\r\n\r\n", 505},
        {"BREW /hello HTTP/1.1\r\n" H "\r\n", 501},
        {"GET /hello HTTP/1.1\r\n" H "Expect: x\r\n\r\n", 417},
        {"POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" GET("/hello"),
         400},
        {"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nzz\r\n" GET("/hello"), 400},
    };
    struct trial t;
    struct answer answer;
    trial_start(&t);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int fd = client_open(&t);
        client_send(&t, fd, table[i].text);
        client_answer(&t, fd, &answer);
        assert_int_equal(answer.status, table[i].status);
        assert_string_equal(answer_header(&answer, "Content-Type"), "application/json");
        assert_string_equal(answer_header(&answer, "Connection"), "close");
        assert_non_null(answer_header(&answer, "X-Request-Id"));
        assert_int_equal(strncmp(answer.body, "{\"detail\":\"", 11), 0);
        free(answer.body);
        client_expect_end(&t, fd);
        close(fd);
    }
    trial_stop(&t);
}

static void pipelined_in_order(void **state)
{
    (void)state;
    struct trial t;
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd,
                "\r\nPOST /wait HTTP/1.1\r\n" H
                "Content-Length: 3\r\n\r\nabc" GET("/hello") "POST /echo HTTP/1.1\r\n" H
                                                             "Transfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n");
    trial_expect(&t, "admit POST /wait; handle; ");
    trial_turn(&t, NOBODY);
    assert_string_equal(t.trace, "");
    size_t len;
    assert_string_equal(http_body(t.held, &len), "abc");
    http_respond(t.held, 200, "text/plain", strdup("first"), 5);
    client_expect(&t, fd, 200, "first");
    client_expect(&t, fd, 200, "hello");
    client_expect(&t, fd, 200, "de");
    trial_expect(&t, "done 200; admit GET /hello; done 200; admit POST /echo; done 200; ");
    close(fd);
    trial_stop(&t);
}

/* As many as a read buffer holds, answered one after another without nesting. */
static void pipelined_by_the_thousand(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    static const char one[] = GET("/empty");
    struct trial t;
    struct answer answer;
    char *text = malloc(MANY * sizeof one);
    trial_start(&t);
    assert_non_null(text);
    *text = '\0';
    for (size_t i = 0; i < MANY; i++)
        memcpy(text + i * (sizeof one - 1), one, sizeof one);
    int fd = client_open(&t);
    client_send(&t, fd, text);
    for (int i = 0; i < MANY; i++) {
        client_answer(&t, fd, &answer);
        assert_int_equal(answer.status, 204);
        free(answer.body);
        *t.trace = '\0';
    }
    free(text);
    close(fd);
    trial_stop(&t);
}

static void bodies(void **state)
{
    (void)state;
    struct trial t;
    struct answer answer;
    enum { LEN = 1 << 20 };
    char *body = malloc(LEN + 1);
    trial_start(&t);
    assert_non_null(body);
    for (size_t i = 0; i < LEN; i++)
        body[i] = (char)('a' + i % 23);
    body[LEN] = '\0';
    int fd = client_open(&t);
    client_send(&t, fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 1048576\r\n\r\n");
    assert_true(client_try_send(&t, fd, body, LEN));
    client_answer(&t, fd, &answer);
    assert_int_equal(answer.len, LEN);
    assert_memory_equal(answer.body, body, LEN);
    free(answer.body);
    client_send(&t, fd, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t i = 0; i < 16; i++) {
        client_send(&t, fd, "10000;n=v\r\n");
        assert_true(client_try_send(&t, fd, body + i * 65536, 65536));
        client_send(&t, fd, "\r\n");
    }
    client_send(&t, fd, "0\r\nTrailer: x\r\n\r\n");
    client_answer(&t, fd, &answer);
    assert_int_equal(answer.len, LEN);
    assert_memory_equal(answer.body, body, LEN);
    free(answer.body);
    client_send(&t, fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n");
    assert_true(client_expect(&t, fd, 200, ""));
    free(body);
    close(fd);
    trial_stop(&t);
}

#define ASKS(path) "POST " path " HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-Continue\r\n\r\n"

static void expect_is_met_at_admission(void **state)
{
    (void)state;
    struct trial t;
    char interim[25];
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, ASKS("/asked"));
    trial_expect(&t, "admit POST /asked; ");
    trial_turn(&t, NOBODY);
    assert_int_equal(recv(fd, interim, 1, MSG_PEEK), -1);
    http_admit(t.held);
    assert_int_equal(client_read(&t, fd, interim, sizeof interim), (long)sizeof interim);
    assert_memory_equal(interim, "HTTP/1.1 100 Continue\r\n\r\n", sizeof interim);
    client_send(&t, fd, "abc");
    assert_true(client_expect(&t, fd, 200, "abc"));
    close(fd);
    trial_stop(&t);
}

static void expect_is_not_met_without_need(void **state)
{
    (void)state;
    struct trial t;
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, ASKS("/echo") "abc"); /* the body came along */
    client_expect(&t, fd, 200, "abc");
    client_send(&t, fd, "GET /hello HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n"); /* there is none */
    client_expect(&t, fd, 200, "hello");
    client_send(&t, fd, ASKS("/refused"));
    assert_false(client_expect(&t, fd, 401, NULL));
    client_expect_end(&t, fd);
    close(fd);
    fd = client_open(&t);
    client_send(&t, fd, "POST /echo HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    client_send(&t, fd, "abc"); /* to 1.0 an interim answer means nothing */
    assert_false(client_expect(&t, fd, 200, "abc"));
    close(fd);
    trial_stop(&t);
}

static void old_clients(void **state)
{
    (void)state;
    struct trial t;
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_true(client_expect(&t, fd, 200, "hello"));
    client_send(&t, fd, "GET /hello HTTP/1.0\r\n\r\n");
    assert_false(client_expect(&t, fd, 200, "hello"));
    client_expect_end(&t, fd);
    close(fd);
    fd = client_open(&t);
    client_send(&t, fd, "GET /hello HTTP/1.1\r\n" H "Connection: close\r\n\r\n" GET("/hello"));
    assert_false(client_expect(&t, fd, 200, "hello"));
    client_expect_end(&t, fd);
    close(fd);
    trial_expect(&t, "admit GET /hello; done 200; admit GET /hello; done 200; admit GET /hello; done 200; ");
    trial_stop(&t);
}

/* What would split an answer in two, or is over the cap on headers, is answered 500 instead. */
static void bad_headers_of_our_own(void **state)
{
    (void)state;
    static const char *const texts[] = {GET("/split"), GET("/headers")};
    struct trial t;
    struct answer answer;
    trial_start(&t);
    int fd = client_open(&t);
    for (size_t i = 0; i < 2; i++) {
        client_send(&t, fd, texts[i]);
        client_answer(&t, fd, &answer);
        assert_int_equal(answer.status, 500);
        assert_null(answer_header(&answer, "Set-Cookie"));
        assert_null(answer_header(&answer, "X-Filler"));
        assert_string_equal(answer.body, "{\"detail\":\"Internal error: the answer's headers are not valid\"}");
        free(answer.body);
    }
    close(fd);
    trial_stop(&t);
}

static void error_text_is_json(void **state)
{
    (void)state;
    struct trial t;
    trial_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, GET("/wait"));
    trial_expect(&t, "admit GET /wait; handle; ");
    http_respond_error(t.held, 400, "a \"b\"\n\xff\xc3\xa9");
    client_expect(&t, fd, 400, "{\"detail\":\"a \\\"b\\\"\\n\xef\xbf\xbd\xc3\xa9\"}");
    close(fd);
    trial_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_and_stays_open),
        cmocka_unit_test(request_id_is_made),
        cmocka_unit_test(says_what_was_asked),
        cmocka_unit_test(head_has_the_length_alone),
        cmocka_unit_test(no_content_has_no_length),
        cmocka_unit_test(routes_that_are_not),
        cmocka_unit_test(refused_before_its_body_closes),
        cmocka_unit_test(refused_while_sending),
        cmocka_unit_test(malformed_closes),
        cmocka_unit_test(pipelined_in_order),
        cmocka_unit_test(pipelined_by_the_thousand),
        cmocka_unit_test(bodies),
        cmocka_unit_test(expect_is_met_at_admission),
        cmocka_unit_test(expect_is_not_met_without_need),
        cmocka_unit_test(old_clients),
        cmocka_unit_test(bad_headers_of_our_own),
        cmocka_unit_test(error_text_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
