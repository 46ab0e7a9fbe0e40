/* The opening of a WebSocket, as its client sees it, however the answer's bytes are cut. */
#include "client/handshake.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

/* RFC 6455, section 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define OPEN "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define GOOD OPEN "sec-websocket-accept: " ACCEPT "\r\n\r\n"

static void test_accept(void **state)
{
    char accept[HANDSHAKE_ACCEPT_LEN + 1];

    (void)state;
    handshake_accept_of(KEY, accept);
    assert_string_equal(accept, ACCEPT);
}

static void test_request(void **state)
{
    struct handshake handshake;
    struct buf out;
    char wanted[512];

    (void)state;
    handshake_init(&handshake);
    buf_init(&out, 4096);
    assert_int_equal(strlen(handshake.key), HANDSHAKE_KEY_LEN);
    assert_int_equal(handshake_request(&handshake, &out, "host:1", "/a/connect", "codecell.v1", "cc_1"), 0);
    snprintf(wanted, sizeof wanted,
             "GET /a/connect HTTP/1.1\r\nHost: host:1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: codecell.v1\r\n"
             "User-Agent: codecell/" CODECELL_VERSION "\r\nX-API-Key: cc_1\r\n\r\n",
             handshake.key);
    assert_string_equal(out.data, wanted);
    buf_free(&out);
    buf_init(&out, 64);
    assert_int_equal(handshake_request(&handshake, &out, "host:1", "/", "codecell.v1", ""), -1);
    buf_free(&out);
    handshake_free(&handshake);
}

static const struct {
    const char *answer;
    const char *rest;     /* what follows the answer; NULL: the handshake fails */
    const char *sentence; /* or what it begins with */
} answers[] = {
    {GOOD, "", NULL},
    {GOOD "\x81\x01x", "\x81\x01x", NULL},
    {OPEN "\r\n", NULL, "the server's answer belongs to another WebSocket"},
    {OPEN "Sec-WebSocket-Accept: " ACCEPT "x\r\n\r\n", NULL, "the server's answer belongs to another WebSocket"},
    {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 29\r\n\r\n{\"detail\": \"Invalid API key\"}", NULL,
     "Invalid API key"},
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", NULL, "the server answered 404: nope"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", NULL, "the server speaks no WebSocket: it answered 200"},
    {"SSH-2.0-OpenSSH_9.2\r\n", NULL, "the server's answer is not HTTP"},
};

/* Reads an answer in steps of so many bytes. */
static void read_in_steps(size_t number, size_t step)
{
    const char *answer = answers[number].answer;
    size_t len = strlen(answer), at = 0, used = 0;
    struct handshake handshake;
    struct error error = {.code = ERROR_NONE};
    int failed = 0;

    handshake_init(&handshake);
    strcpy(handshake.key, KEY);
    while (failed == 0 && !handshake.over && at < len) {
        size_t part = len - at < step ? len - at : step;
        failed = handshake_read(&handshake, answer + at, part, &used, &error);
        at += used;
    }
    if (answers[number].rest != NULL) {
        assert_int_equal(failed, 0);
        assert_true(handshake.over);
        assert_string_equal(answer + at, answers[number].rest);
    } else {
        assert_int_equal(failed, -1);
        assert_string_equal(error.text, answers[number].sentence);
    }
    handshake_free(&handshake);
}

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        for (size_t step = 1; step <= strlen(answers[i].answer); step++)
            read_in_steps(i, step);
}

static void test_an_answer_that_is_too_large(void **state)
{
    static const char head[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 9999999\r\n\r\n";
    static char part[64 << 10];
    struct handshake handshake;
    struct error error;
    size_t used, i;

    (void)state;
    handshake_init(&handshake);
    memset(part, 'x', sizeof part);
    assert_int_equal(handshake_read(&handshake, head, sizeof head - 1, &used, &error), 0);
    for (i = 0; i < 8 && handshake_read(&handshake, part, sizeof part, &used, &error) == 0;)
        i++;
    assert_int_equal(i, HANDSHAKE_ANSWER_MAX / sizeof part);
    handshake_free(&handshake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_an_answer_that_is_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
