/* Two APIs side by side: the errors of each have its own shape, those that no route has a part in as well. */
#include "trial.h"

#include "http/manners.h"
#include "http/presented_key.h"
#include "http/request_target.h"

#define H "Host: x\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"

static bool no_memory;

static char *plain_error(int status, const char *detail, size_t *len)
{
    char *text;
    int n = no_memory ? -1 : asprintf(&text, "<%d> %s", status, detail);

    *len = n < 0 ? 0 : (size_t)n;
    return n < 0 ? NULL : text;
}

static const struct http_key_place other_keys[] = {
    {HTTP_KEY_QUERY, "key"}, {HTTP_KEY_AUTHORIZATION, "Token"}, {HTTP_KEY_HEADER, "X-Key"}, {HTTP_KEY_NONE, NULL}};

#define OTHER(path)                                                                                          \
    {                                                                                                        \
        .prefix = path, .error_type = "text/plain", .error_body = plain_error, .keys = other_keys, .cost = 2 \
    }

static const struct http_manners other = OTHER("/other"), within = OTHER("/other/with/in");

/* Errors of this API depend on the request. */
static char *error_of_request(struct http_exchange *ex, int *status, const char *detail, size_t *len)
{
    char *text;
    int n = asprintf(&text, "%s %s: %s", http_method(ex), http_path(ex), detail);

    *len = n < 0 ? 0 : (size_t)n;
    *status = *status == 404 ? 410 : *status;
    http_header_add(ex, "X-Was", "asked");
    return n < 0 ? NULL : text;
}

static const struct http_manners asking = {.prefix = "/asking",
                                           .error_type = "text/plain",
                                           .error_body = plain_error,
                                           .error_for = error_of_request,
                                           .keys = other_keys};
static const struct http_manners *const both[] = {&within, &other, &asking, NULL};

static void handle_key(struct http_exchange *ex)
{
    const char *key = http_presented_key(ex, http_manners(ex));

    if (key == NULL)
        http_respond_error(ex, 401, "no key \xff");
    else
        http_respond(ex, 200, "text/plain", strdup(key), strlen(key));
}

static const struct http_route routes[] = {
    {"GET", "/key", handle_key, ADMIT_NOW},
    {"GET", "/other/key", handle_key, ADMIT_NOW},
    {"GET", "/asking/key", handle_key, ADMIT_NOW},
    {"POST", "/other/echo", handle_echo, ADMIT_NOW},
    {"GET", "/other/{rest...}", handle_split, ADMIT_NOW},
    {NULL, NULL, NULL, 0},
};

static int manners_start(struct trial *t)
{
    no_memory = false;
    trial_init(t);
    t->options.routes = routes;
    t->options.manners = both;
    trial_open(t);
    return client_open(t);
}

static void expect(struct trial *t, const char *request, int status, const char *type, const char *body)
{
    struct answer answer;
    int fd = client_open(t);

    client_send(t, fd, request);
    client_answer(t, fd, &answer);
    assert_int_equal(answer.status, status);
    assert_string_equal(answer_header(&answer, "Content-Type"), type);
    if (body != NULL)
        assert_string_equal(answer.body, body);
    free(answer.body);
    close(fd);
}

static void errors_have_their_path_s_shape(void **state)
{
    (void)state;
    static const char json[] = "application/json", text[] = "text/plain";
    struct trial t;
    close(manners_start(&t));
    expect(&t, GET("/none"), 404, json, "{\"detail\":\"Not found: no such path\"}");
    expect(&t, GET("/others"), 404, json, "{\"detail\":\"Not found: no such path\"}");
    expect(&t, "POST /other/none HTTP/1.1\r\n" H "\r\n", 405, text, NULL);
    expect(&t, "PUT /other HTTP/1.1\r\n" H "\r\n", 404, text, "<404> Not found: no such path");
    expect(&t, "PUT /%6fther HTTP/1.1\r\n" H "\r\n", 404, text, "<404> Not found: no such path");
    expect(&t, "GET /key HTTP/1.1\r\n\r\n", 400, json, NULL);
    expect(&t, "GET /other/key HTTP/1.1\r\n\r\n", 400, text,
           "<400> Malformed request: exactly one Host header is needed");
    expect(&t, "POST /other/echo HTTP/1.1\r\n" H "Content-Length: 99999999\r\n\r\n", 413, text, NULL);
    expect(&t, "POST /other/echo HTTP/1.1\r\n" H "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\n", 415, text,
           NULL);
    expect(&t, "NONSENSE\r\n", 400, json, NULL);
    expect(&t, GET("/key"), 401, json, "{\"detail\":\"no key \xef\xbf\xbd\"}");
    expect(&t, GET("/other/key"), 401, text, "<401> no key \xef\xbf\xbd");
    expect(&t, GET("/other/rest/a"), 500, text, "<500> Internal error: the answer's headers are not valid");
    trial_stop(&t);
}

static void an_error_may_depend_on_its_request(void **state)
{
    (void)state;
    struct trial t;
    struct answer answer;
    close(manners_start(&t));
    int fd = client_open(&t);
    client_send(&t, fd, GET("/asking/no"));
    client_answer(&t, fd, &answer);
    assert_int_equal(answer.status, 410);
    assert_string_equal(answer_header(&answer, "X-Was"), "asked");
    assert_string_equal(answer.body, "GET /asking/no: Not found: no such path");
    free(answer.body);
    close(fd);
    expect(&t, GET("/asking/key"), 401, "text/plain", "GET /asking/key: no key \xef\xbf\xbd");
    trial_stop(&t);
}

static void keys_are_where_the_manners_say(void **state)
{
    (void)state;
    struct trial t;
    close(manners_start(&t));
    expect(&t, GET("/other/key?key=a"), 200, "text/plain", "a");
    expect(&t, "GET /other/key HTTP/1.1\r\n" H "Authorization: token  b\r\n\r\n", 200, "text/plain", "b");
    expect(&t, "GET /other/key HTTP/1.1\r\n" H "Authorization: Tokenb\r\n\r\n", 401, "text/plain", NULL);
    expect(&t, "GET /other/key?key= HTTP/1.1\r\n" H "X-Key: c\r\nAuthorization: Bearer b\r\n\r\n", 200, "text/plain",
           "c");
    expect(&t, "GET /key?key=a HTTP/1.1\r\n" H "X-Key: c\r\n\r\n", 401, "application/json", NULL);
    trial_stop(&t);
}

static void slow_and_too_many(void **state)
{
    (void)state;
    struct trial t;
    no_memory = false;
    trial_init(&t);
    t.options.routes = routes;
    t.options.manners = both;
    t.options.header_ms = 300;
    trial_open(&t);
    expect(&t, "GET /other/key HTTP/1.1\r\n", 408, "text/plain", NULL);
    expect(&t, "GET /oth", 408, "application/json", NULL);
    trial_stop(&t);
}

static void an_error_without_memory(void **state)
{
    (void)state;
    struct trial t;
    struct answer answer;
    int fd = manners_start(&t);
    no_memory = true;
    client_send(&t, fd, GET("/other/key"));
    client_answer(&t, fd, &answer);
    assert_int_equal(answer.status, 503);
    assert_int_equal(answer.len, 0);
    free(answer.body);
    close(fd);
    trial_stop(&t);
}

static void the_longest_prefix_counts(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const struct http_manners *manners;
    } table[] = {
        {"/", &http_manners_default},
        {"/other", &other},
        {"/other/", &other},
        {"/other/with", &other},
        {"/other/with/in", &within},
        {"/other/with/in/it", &within},
        {"/other/with/inn", &other},
        {"/othe", &http_manners_default},
        {"/x/other", &http_manners_default},
        {"/other?with=in", &other},
        {"/oth%65r", &other},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct http_target target;
        enum error_code code;
        assert_null(http_target_parse(&target, table[i].path, false, &code));
        assert_ptr_equal(http_manners_find(both, &target), table[i].manners);
        assert_ptr_equal(http_manners_find(NULL, &target), &http_manners_default);
        http_target_free(&target);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_their_path_s_shape), cmocka_unit_test(an_error_may_depend_on_its_request),
        cmocka_unit_test(keys_are_where_the_manners_say), cmocka_unit_test(slow_and_too_many),
        cmocka_unit_test(an_error_without_memory),        cmocka_unit_test(the_longest_prefix_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
