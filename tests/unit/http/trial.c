#include "trial.h"

__attribute__((format(printf, 2, 3))) void trial_note(struct trial *t, const char *format, ...)
{
    size_t len = strlen(t->trace);
    va_list args;

    va_start(args, format);
    vsnprintf(t->trace + len, sizeof t->trace - len, format, args);
    va_end(args);
}

/* ── The owner ── */

void owner_gone(void *arg)
{
    struct trial *t = arg;

    t->held = NULL;
    trial_note(t, "gone; ");
}

static void owner_done(struct http_exchange *ex, int status, uint64_t ns)
{
    assert_true(ns > 0);
    trial_note(http_data(ex), "done %d; ", status);
}

static void owner_admit(struct http_exchange *ex)
{
    struct trial *t = http_data(ex);

    trial_note(t, "admit %s %s; ", http_method(ex), http_path(ex));
    switch (http_route(ex)->flags) {
    case ADMIT_NOW:
        http_admit(ex);
        break;
    case ADMIT_REFUSE:
        http_respond_error(ex, 401, "API key is required");
        break;
    case ADMIT_TOLD:
        http_on_gone(ex, owner_gone, t);
        t->held = ex;
        break;
    default:
        t->held = ex;
    }
}

void handle_hello(struct http_exchange *ex)
{
    http_respond(ex, 200, "text/plain", strdup("hello"), 5);
}

void handle_echo(struct http_exchange *ex)
{
    size_t len;
    const char *body = http_body(ex, &len);
    char *copy = malloc(len + 1);

    assert_non_null(copy);
    memcpy(copy, body, len);
    http_respond(ex, 200, "application/octet-stream", copy, len);
}

/* Held until the test answers, with a gone callback. */
static void handle_wait(struct http_exchange *ex)
{
    struct trial *t = http_data(ex);

    trial_note(t, "handle; ");
    t->held = ex;
    http_on_gone(ex, owner_gone, t);
}

/* Held, without a gone callback. */
static void handle_hold(struct http_exchange *ex)
{
    struct trial *t = http_data(ex);

    trial_note(t, "handle; ");
    t->held = ex;
}

static void handle_big(struct http_exchange *ex)
{
    char *body = malloc(BIG_LEN);

    assert_non_null(body);
    memset(body, 'b', BIG_LEN);
    http_respond(ex, 200, "text/plain", body, BIG_LEN);
}

static void handle_empty(struct http_exchange *ex)
{
    http_respond(ex, 204, NULL, NULL, 0);
}

/* Says what the request says. */
static void handle_say(struct http_exchange *ex)
{
    char *text = NULL;
    const char *q = http_query(ex, "q");
    const char *header = http_header(ex, "x-many");
    const char *id = http_param(ex, "id");
    const char *path = http_param(ex, "path");
    int len = asprintf(&text, "id=%s path=%s q=%s x=%s peer=%s length=%lld", id ? id : "-", path ? path : "-",
                       q ? q : "-", header ? header : "-", http_peer(ex), (long long)http_content_length(ex));

    assert_true(len > 0);
    http_respond(ex, 200, "text/plain", text, (size_t)len);
}

void handle_split(struct http_exchange *ex)
{
    http_header_add(ex, "Location", "/x\r\nSet-Cookie: %d", 1);
    http_respond(ex, 201, NULL, NULL, 0);
}

static void handle_many_headers(struct http_exchange *ex)
{
    for (int i = 0; i < 1000; i++)
        http_header_add(ex, "X-Filler", "%032d", i);
    http_respond(ex, 200, "text/plain", strdup("x"), 1);
}

static const struct http_route trial_routes[] = {
    {"GET", "/hello", handle_hello, ADMIT_NOW},
    {"POST", "/echo", handle_echo, ADMIT_NOW},
    {"POST", "/asked", handle_echo, ADMIT_HOLD},
    {"POST", "/told", handle_echo, ADMIT_TOLD},
    {"POST", "/refused", handle_echo, ADMIT_REFUSE},
    {"GET", "/refused", handle_hello, ADMIT_REFUSE},
    {"GET", "/wait", handle_wait, ADMIT_NOW},
    {"POST", "/wait", handle_wait, ADMIT_NOW},
    {"GET", "/hold", handle_hold, ADMIT_NOW},
    {"GET", "/big", handle_big, ADMIT_NOW},
    {"GET", "/empty", handle_empty, ADMIT_NOW},
    {"GET", "/items/{id}", handle_say, ADMIT_NOW},
    {"DELETE", "/items/{id}", handle_empty, ADMIT_NOW},
    {"GET", "/files/{path...}", handle_say, ADMIT_NOW},
    {"GET", "/split", handle_split, ADMIT_NOW},
    {"GET", "/headers", handle_many_headers, ADMIT_NOW},
    {NULL, NULL, NULL, 0},
};

/* ── The server ── */

void trial_init(struct trial *t)
{
    memset(t, 0, sizeof *t);
    assert_int_equal(uv_loop_init(&t->loop), 0);
    t->options = (struct http_options){
        .listen = "127.0.0.1:0",
        .routes = trial_routes,
        .admit = owner_admit,
        .data = t,
        .on_done = owner_done,
        .header_max = 4096,
        .header_count = 20,
        .body_max = 1 << 20,
        .bodies_max = 16 << 20,
        .connections = 100,
        .header_ms = 60000,
        .body_ms = 60000,
        .idle_ms = 60000,
        .write_ms = 60000,
    };
}

void trial_open(struct trial *t)
{
    struct error error = {0};

    if (http_server_start(&t->server, &t->loop, &t->options, &error) != 0)
        fail_msg("%s", error.text);
}

void trial_start(struct trial *t)
{
    trial_init(t);
    trial_open(t);
}

void trial_closed(void *arg)
{
    struct trial *t = arg;

    t->closed = true;
}

void trial_turn(struct trial *t, int fd)
{
    struct pollfd entries[] = {{.fd = uv_backend_fd(&t->loop), .events = POLLIN}, {.fd = fd, .events = POLLIN}};

    uv_run(&t->loop, UV_RUN_NOWAIT);
    poll(entries, fd < 0 ? 1 : 2, 2);
    uv_run(&t->loop, UV_RUN_NOWAIT);
}

void trial_stop(struct trial *t)
{
    http_server_stop(t->server, trial_closed, t);
    TRIAL_UNTIL(t, NOBODY, t->closed);
    assert_int_equal(uv_run(&t->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&t->loop), 0);
}

void trial_expect(struct trial *t, const char *trace)
{
    TRIAL_UNTIL(t, NOBODY, strstr(t->trace, trace) != NULL || strlen(t->trace) >= strlen(trace));
    assert_string_equal(t->trace, trace);
    *t->trace = '\0';
}

struct http_connection *trial_connection(struct trial *t)
{
    struct list *node = list_first(&t->server->connections);

    return node != NULL ? container_of(node, struct http_connection, node) : NULL;
}

/* ── A client ── */

int client_open(struct trial *t)
{
    const char *address = http_server_address(t->server);
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_un un;
    } name = {0};
    socklen_t len = sizeof name.in;

    if (strncmp(address, "unix:", 5) == 0) {
        name.un.sun_family = AF_UNIX;
        snprintf(name.un.sun_path, sizeof name.un.sun_path, "%s", address + 5);
        len = sizeof name.un;
    } else {
        uv_ip4_addr("127.0.0.1", atoi(strchr(address, ':') + 1), &name.in); /* NOLINT(cert-err34-c): our own */
    }
    int fd = socket(name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &name.any, len), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

bool client_try_send(struct trial *t, int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
        trial_turn(t, NOBODY);
    }
    return true;
}

void client_send(struct trial *t, int fd, const char *text)
{
    assert_true(client_try_send(t, fd, text, strlen(text)));
}

long client_read(struct trial *t, int fd, char *out, size_t want)
{
    size_t have = 0;
    uint64_t start = uv_hrtime();

    while (have < want) {
        ssize_t n = recv(fd, out + have, want - have, 0);
        if (n == 0)
            break;
        if (n < 0 && errno != EAGAIN)
            return -1;
        if (n > 0)
            have += (size_t)n;
        else if (uv_hrtime() - start > PATIENCE_NS)
            fail_msg("%zu of %zu bytes came; trace: %s", have, want, t->trace);
        else
            trial_turn(t, fd);
    }
    return (long)have;
}

const char *answer_header(const struct answer *answer, const char *name)
{
    static char value[512];
    size_t len = strlen(name);

    for (const char *line = strstr(answer->head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line + len + 2, "\r"), line + len + 2);
            return value;
        }
    }
    return NULL;
}

void client_answer_to(struct trial *t, int fd, struct answer *answer, bool bodiless)
{
    size_t len = 0;

    memset(answer, 0, sizeof *answer);
    while (len < 4 || memcmp(answer->head + len - 4, "\r\n\r\n", 4) != 0) {
        assert_true(len < sizeof answer->head - 1);
        if (client_read(t, fd, answer->head + len, 1) != 1)
            fail_msg("the connection ended within an answer's head: %s; trace: %s", answer->head, t->trace);
        len++;
    }
    assert_int_equal(strncmp(answer->head, "HTTP/1.1 ", 9), 0);
    answer->status = (int)strtol(answer->head + 9, NULL, 10);
    const char *length = answer_header(answer, "Content-Length");
    answer->len = length == NULL || bodiless ? 0 : strtoul(length, NULL, 10);
    answer->body = calloc(1, answer->len + 1);
    assert_non_null(answer->body);
    assert_int_equal(client_read(t, fd, answer->body, answer->len), (long)answer->len);
}

void client_answer(struct trial *t, int fd, struct answer *answer)
{
    client_answer_to(t, fd, answer, false);
}

bool client_expect(struct trial *t, int fd, int status, const char *body)
{
    struct answer answer;

    client_answer(t, fd, &answer);
    bool keep =
        answer_header(&answer, "Connection") != NULL && strcmp(answer_header(&answer, "Connection"), "keep-alive") == 0;
    if (answer.status != status)
        fail_msg("%d instead of %d: %s; trace: %s", answer.status, status, answer.body, t->trace);
    if (body != NULL)
        assert_string_equal(answer.body, body);
    free(answer.body);
    return keep;
}

void client_expect_end(struct trial *t, int fd)
{
    char byte;

    assert_int_equal(client_read(t, fd, &byte, 1), 0);
}

void client_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(fd);
}
