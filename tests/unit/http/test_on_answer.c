/* The owner adds headers to every answer, whoever makes it. */
#include "trial.h"

#define H "Host: x\r\n"

static void on_answer(struct http_exchange *ex)
{
    const char *asked = http_header(ex, "X-Ask");

    http_header_add(ex, "X-Told", "%s [%s]", asked != NULL ? asked : "-", http_allowed(ex));
}

static void expect_told(const char *request, int status, const char *told)
{
    struct trial t;
    struct answer answer;

    trial_init(&t);
    t.options.on_answer = on_answer;
    trial_open(&t);
    int fd = client_open(&t);
    client_send(&t, fd, request);
    client_answer(&t, fd, &answer);
    assert_int_equal(answer.status, status);
    assert_string_equal(answer_header(&answer, "X-Told"), told);
    free(answer.body);
    close(fd);
    trial_stop(&t);
}

static void every_answer_is_told(void **state)
{
    (void)state;
    expect_told("GET /hello HTTP/1.1\r\n" H "X-Ask: me\r\n\r\n", 200, "me []");
    expect_told("GET /nowhere HTTP/1.1\r\n" H "X-Ask: me\r\n\r\n", 404, "me []");
    expect_told("PATCH /hello HTTP/1.1\r\n" H "X-Ask: me\r\n\r\n", 405, "me [GET, HEAD, OPTIONS]");
    expect_told("OPTIONS /hello HTTP/1.1\r\n" H "X-Ask: me\r\n\r\n", 204, "me [GET, HEAD, OPTIONS]");
    expect_told("OPTIONS /nowhere HTTP/1.1\r\n" H "X-Ask: me\r\n\r\n", 404, "me []");
    expect_told("GET /split HTTP/1.1\r\n" H "X-Ask: me\r\n\r\n", 500, "me []"); /* without the handler's own headers */
    expect_told("GET /hello\r\n\r\n", 400, "- []");
    expect_told("GET /hello HTTP/1.1\r\n" H "X-Ask: me\r\nX Y: z\r\n\r\n", 400, "me []");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_answer_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
