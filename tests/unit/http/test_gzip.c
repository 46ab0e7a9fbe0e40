/* Answers in gzip: who gets one, and what is in it, small, large and flowing. */
#include "trial.h"

#include "http/accept_encoding.h"
#include "http/gzip.h"

#include <zlib.h>

#define H "Host: x\r\n"
#define GZIP "Accept-Encoding: gzip\r\n"

/* The header. */

static void clients_that_accept_it(void **state)
{
    (void)state;
    static const char *const yes[] = {"gzip",
                                      "GZIP",
                                      "x-gzip",
                                      "gzip, deflate, br",
                                      "deflate,gzip;q=1.0",
                                      "br;q=1, gzip;q=0.001",
                                      "*",
                                      "*;q=0.1",
                                      "gzip;q=0.5, identity;q=0.5",
                                      "identity;q=0, gzip;q=0.1",
                                      "identity;q=0, *",
                                      " ,, gzip ; Q=0.8 ,",
                                      "gzip;q=oops, *",
                                      "gzip;q=0, gzip",
                                      "gzip\t;\tq=1."};
    static const char *const no[] = {NULL,
                                     "",
                                     ",",
                                     "identity",
                                     "deflate, br",
                                     "gzip;q=0",
                                     "gzip;q=0.000",
                                     "*;q=0",
                                     "gzip;q=0, *",
                                     "gzip;q=0.5, identity",
                                     "gzip;q=0.5, identity;q=0.501",
                                     "gzip;q=0.2, *;q=0.5",
                                     "gzipped",
                                     "xgzip",
                                     "gzip;q",
                                     "gzip;q=",
                                     "gzip;q=2",
                                     "gzip;q=1.001",
                                     "gzip;q=0.0001",
                                     "gzip;q=-1",
                                     "gzip;q=.5",
                                     "gzip;level=1",
                                     "gzip;q=0.5;q=1",
                                     "gzip gzip"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!http_accepts_gzip(yes[i]))
            fail_msg("yes: %s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (http_accepts_gzip(no[i]))
            fail_msg("no: %s", no[i] != NULL ? no[i] : "none");
}

static void types_that_get_smaller(void **state)
{
    (void)state;
    static const char *const yes[] = {
        "application/json", "application/json; charset=utf-8", "text/plain",     "text/html", "TEXT/CSS",
        "image/svg+xml",    "application/problem+json",        "application/xml"};
    static const char *const no[] = {"text/event-stream",
                                     "text/event-stream; charset=utf-8",
                                     "image/png",
                                     "application/octet-stream",
                                     "application/gzip",
                                     "application/jsonl",
                                     "+json"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(http_gzip_pays(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(http_gzip_pays(no[i]));
}

/* Answers. */

static char *words(size_t len)
{
    char *text = malloc(len + 1);

    assert_non_null(text);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + i * i % 26);
    return text;
}

/* GET /words?n=BYTES&type=TYPE&header=NAME */
static void handle_words(struct http_exchange *ex)
{
    const char *type = http_query(ex, "type"), *header = http_query(ex, "header");
    size_t len = strtoul(http_query(ex, "n"), NULL, 10);

    if (header != NULL)
        http_header_add(ex, header, "x");
    http_respond(ex, 200, type != NULL ? type : "application/json", words(len), len);
}

static void handle_flow(struct http_exchange *ex)
{
    char *text = words(3000);

    http_flow_begin(ex, 200, http_query(ex, "type"));
    for (size_t at = 0; at < 3000; at += 100)
        assert_int_equal(http_flow_write(ex, text + at, 100), 100);
    http_flow_end(ex);
    free(text);
}

static const struct http_route gzip_routes[] = {
    {"GET", "/words", handle_words, ADMIT_NOW},
    {"GET", "/flow", handle_flow, ADMIT_NOW},
    {.method = NULL},
};

static void gzip_start(struct trial *t)
{
    static const struct http_filter *const filters[] = {&http_gzip, NULL};

    trial_init(t);
    t->options.routes = gzip_routes;
    t->options.filters = filters;
    trial_open(t);
}

/* What the bytes are in plain; *len as well. */
static char *unpacked(const char *data, size_t data_len, size_t room, size_t *len)
{
    z_stream stream = {.next_in = (unsigned char *)data, .avail_in = (unsigned)data_len};
    char *out = malloc(room + 1);

    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_out = (unsigned char *)out;
    stream.avail_out = (unsigned)(room + 1);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    *len = room + 1 - stream.avail_out;
    inflateEnd(&stream);
    return out;
}

static void ask_for(struct trial *t, int fd, const char *query, const char *headers, struct answer *answer)
{
    char request[512];

    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" H "%s\r\n", query, headers);
    client_send(t, fd, request);
    client_answer(t, fd, answer);
    assert_int_equal(answer->status, 200);
}

static void expect_gzip(struct trial *t, int fd, size_t n)
{
    struct answer answer;
    char query[64];
    size_t len;

    snprintf(query, sizeof query, "/words?n=%zu", n);
    ask_for(t, fd, query, GZIP, &answer);
    assert_string_equal(answer_header(&answer, "Content-Encoding"), "gzip");
    assert_string_equal(answer_header(&answer, "Vary"), "Accept-Encoding");
    char *plain = unpacked(answer.body, answer.len, n, &len), *expected = words(n);
    assert_int_equal(len, n);
    assert_memory_equal(plain, expected, n);
    free(plain);
    free(expected);
    free(answer.body);
}

static void expect_plain(struct trial *t, int fd, const char *query, const char *headers, size_t n, bool varies)
{
    struct answer answer;
    char *expected = words(n);

    ask_for(t, fd, query, headers, &answer);
    assert_null(answer_header(&answer, "Content-Encoding"));
    assert_int_equal(answer_header(&answer, "Vary") != NULL, varies);
    assert_int_equal(answer.len, n);
    assert_memory_equal(answer.body, expected, n);
    free(expected);
    free(answer.body);
}

static void large_answers_are_packed_and_others_are_not(void **state)
{
    (void)state;
    struct trial t;
    gzip_start(&t);
    int fd = client_open(&t);
    static const size_t sizes[] = {1025, 16384, 65536, 65537, 1 << 20, 7654321};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        expect_gzip(&t, fd, sizes[i]);
    expect_plain(&t, fd, "/words?n=1024", GZIP, 1024, false);
    expect_plain(&t, fd, "/words?n=0", GZIP, 0, false);
    expect_plain(&t, fd, "/words?n=2000", "", 2000, true);
    expect_plain(&t, fd, "/words?n=2000", "Accept-Encoding: gzip;q=0\r\n", 2000, true);
    expect_plain(&t, fd, "/words?n=100000", "Accept-Encoding: br\r\n", 100000, true);
    expect_plain(&t, fd, "/words?n=2000&type=image/png", GZIP, 2000, false);
    expect_plain(&t, fd, "/words?n=2000&type=text/event-stream", GZIP, 2000, false);
    expect_plain(&t, fd, "/words?n=2000&header=ETag", GZIP, 2000, false);
    close(fd);
    trial_stop(&t);
}

/* The chunks of a flowing answer, joined. */
static char *chunks(struct trial *t, int fd, size_t *len)
{
    static char raw[16384];
    char *out = malloc(sizeof raw), *at;
    long n = 0;

    *len = 0;
    while (n < 5 || memcmp(raw + n - 5, "0\r\n\r\n", 5) != 0)
        n += client_read(t, fd, raw + n, 1);
    raw[n] = '\0';
    at = strstr(raw, "\r\n\r\n") + 4;
    assert_non_null(memmem(raw, (size_t)(at - raw), "Content-Encoding: gzip\r\n", 24));
    for (size_t size; (size = strtoul(at, &at, 16)) > 0; at += size + 2) {
        at += 2;
        memcpy(out + *len, at, size);
        *len += size;
    }
    return out;
}

static void flowing_answers_are_packed(void **state)
{
    (void)state;
    struct trial t;
    struct answer answer;
    size_t len, packed_len;
    gzip_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "GET /flow?type=application/json HTTP/1.1\r\n" H GZIP "\r\n");
    char *packed = chunks(&t, fd, &packed_len), *expected = words(3000);
    char *plain = unpacked(packed, packed_len, 3000, &len);
    assert_int_equal(len, 3000);
    assert_memory_equal(plain, expected, 3000);
    free(packed);
    free(plain);
    free(expected);
    client_send(&t, fd, "HEAD /words?n=100000 HTTP/1.1\r\n" H GZIP "\r\n");
    client_answer_to(&t, fd, &answer, true);
    assert_string_equal(answer_header(&answer, "Content-Encoding"), "gzip");
    assert_null(answer_header(&answer, "Content-Length"));
    free(answer.body);
    expect_gzip(&t, fd, 2000); /* the connection goes on */
    close(fd);
    trial_stop(&t);
}

/* The worker has the body when the client leaves, and when the server stops. */
static void ends_while_a_worker_packs(void **state)
{
    (void)state;
    for (int stops = 0; stops < 2; stops++) {
        struct trial t;
        gzip_start(&t);
        int fd = client_open(&t);
        client_send(&t, fd, "GET /words?n=30000000 HTTP/1.1\r\n" H GZIP "\r\n");
        TRIAL_UNTIL(&t, NOBODY, strstr(t.trace, "admit") != NULL);
        if (stops == 0) {
            client_reset(fd);
            TRIAL_UNTIL(&t, NOBODY, strstr(t.trace, "done 0") != NULL);
        }
        trial_stop(&t);
        if (stops == 1)
            close(fd);
    }
}

/* Requests that are sent ahead wait, and are answered in their order. */
static void what_is_sent_ahead_waits(void **state)
{
    (void)state;
    struct trial t;
    struct answer answer;
    gzip_start(&t);
    int fd = client_open(&t);
    client_send(&t, fd, "GET /words?n=3000000 HTTP/1.1\r\n" H GZIP "\r\nGET /words?n=7 HTTP/1.1\r\n" H GZIP "\r\n");
    client_answer(&t, fd, &answer);
    assert_string_equal(answer_header(&answer, "Content-Encoding"), "gzip");
    free(answer.body);
    client_answer(&t, fd, &answer);
    assert_int_equal(answer.len, 7);
    free(answer.body);
    close(fd);
    trial_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_that_accept_it),
        cmocka_unit_test(types_that_get_smaller),
        cmocka_unit_test(large_answers_are_packed_and_others_are_not),
        cmocka_unit_test(flowing_answers_are_packed),
        cmocka_unit_test(ends_while_a_worker_packs),
        cmocka_unit_test(what_is_sent_ahead_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
