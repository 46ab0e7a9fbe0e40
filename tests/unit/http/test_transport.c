/* A transport over the socket: every byte on the wire has its bits flipped, and the server notices nothing. */
#include "trial.h"

#include "base/container_of.h"

#define H "Host: x\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"

struct flip {
    struct http_transport transport;
    struct http_transport *socket;
};

struct flip_write {
    struct http_write write;  /* on the socket */
    struct http_write *above; /* the user's */
    char bytes[];
};

static unsigned covers; /* that are open */
static bool no_memory;

static void flip_bytes(char *to, const char *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (char)~from[i];
}

static struct flip *flip_of(const struct http_transport *transport)
{
    return container_of(transport, struct flip, transport);
}

static void on_flip_alloc(struct http_transport *socket, uv_buf_t *buf)
{
    struct flip *flip = socket->user;

    flip->transport.on_alloc(&flip->transport, buf);
}

static void on_flip_read(struct http_transport *socket, ssize_t n, const char *data)
{
    struct flip *flip = socket->user;
    static char plain[65536];

    if (n > 0)
        flip_bytes(plain, data, (size_t)n);
    flip->transport.on_read(&flip->transport, n, plain);
}

static int flip_read_start(struct http_transport *transport)
{
    struct http_transport *socket = flip_of(transport)->socket;

    socket->on_alloc = on_flip_alloc;
    socket->on_read = on_flip_read;
    return socket->kind->read_start(socket);
}

static void flip_read_stop(struct http_transport *transport)
{
    struct http_transport *socket = flip_of(transport)->socket;

    socket->kind->read_stop(socket);
}

static void on_flip_written(struct http_write *write, int status)
{
    struct flip_write *request = container_of(write, struct flip_write, write);

    request->above->done(request->above, status);
    free(request);
}

static int flip_write(struct http_transport *transport, struct http_write *write, const uv_buf_t *parts, unsigned count)
{
    struct http_transport *socket = flip_of(transport)->socket;
    size_t len = 0;

    for (unsigned i = 0; i < count; i++)
        len += parts[i].len;
    struct flip_write *request = malloc(sizeof *request + len);
    assert_non_null(request);
    *request = (struct flip_write){.write.done = on_flip_written, .above = write};
    char *to = request->bytes;
    for (unsigned i = 0; i < count; to += parts[i].len, i++)
        flip_bytes(to, parts[i].base, parts[i].len);
    uv_buf_t whole = {.base = request->bytes, .len = len};
    return socket->kind->write(socket, &request->write, &whole, 1);
}

static int flip_try_write(struct http_transport *transport, const uv_buf_t *part)
{
    struct http_transport *socket = flip_of(transport)->socket;
    char byte;

    assert_int_equal(part->len, 1);
    flip_bytes(&byte, part->base, 1);
    uv_buf_t flipped = {.base = &byte, .len = 1};
    return socket->kind->try_write(socket, &flipped);
}

static int flip_shutdown(struct http_transport *transport)
{
    struct http_transport *socket = flip_of(transport)->socket;

    return socket->kind->shutdown(socket);
}

static size_t flip_untaken(const struct http_transport *transport)
{
    const struct http_transport *socket = flip_of(transport)->socket;

    return socket->kind->untaken(socket);
}

static bool flip_is_broken(const struct http_transport *transport)
{
    const struct http_transport *socket = flip_of(transport)->socket;

    return socket->kind->is_broken(socket);
}

static void on_flip_closed(struct http_transport *socket)
{
    struct flip *flip = socket->user;

    covers--;
    flip->transport.on_closed(&flip->transport);
    free(flip);
}

static void flip_close(struct http_transport *transport)
{
    struct http_transport *socket = flip_of(transport)->socket;

    socket->kind->close(socket);
}

static const struct http_transport_kind flip_kind = {
    .read_start = flip_read_start,
    .read_stop = flip_read_stop,
    .write = flip_write,
    .try_write = flip_try_write,
    .shutdown = flip_shutdown,
    .untaken = flip_untaken,
    .is_broken = flip_is_broken,
    .close = flip_close,
};

static struct http_transport *flip_cover(struct http_transport *socket, void *data)
{
    (void)data;
    struct flip *flip = no_memory ? NULL : calloc(1, sizeof *flip);

    if (flip == NULL)
        return NULL;
    flip->transport.kind = &flip_kind;
    flip->socket = socket;
    socket->user = flip;
    socket->on_closed = on_flip_closed;
    covers++;
    return &flip->transport;
}

static void flip_start(struct trial *t)
{
    no_memory = false;
    trial_init(t);
    t->options.cover = flip_cover;
    trial_open(t);
}

static void send_flipped(struct trial *t, int fd, const char *text)
{
    char wire[1024];
    size_t len = strlen(text);

    assert_true(len <= sizeof wire);
    flip_bytes(wire, text, len);
    assert_true(client_try_send(t, fd, wire, len));
}

static void expect_flipped(struct trial *t, int fd, const char *start, const char *end)
{
    char wire[1024], text[1024 + 1] = "";
    long len = 0;

    while (strstr(text, end) == NULL) {
        assert_int_equal(client_read(t, fd, wire + len, 1), 1);
        flip_bytes(text + len, wire + len, 1);
        text[++len] = '\0';
    }
    assert_int_equal(strncmp(text, start, strlen(start)), 0);
}

static void carries_exchanges(void **state)
{
    (void)state;
    struct trial t;
    flip_start(&t);
    int fd = client_open(&t);
    send_flipped(&t, fd, GET("/hello") "POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nbody");
    expect_flipped(&t, fd, "HTTP/1.1 200 OK\r\n", "hello");
    expect_flipped(&t, fd, "HTTP/1.1 200 OK\r\n", "body");
    assert_int_equal(covers, 1);
    close(fd);
    TRIAL_UNTIL(&t, NOBODY, covers == 0);
    trial_stop(&t);
}

/* A half-closed client gets its answer through the transport, bytes that were sent ahead included. */
static void carries_what_is_sent_ahead(void **state)
{
    (void)state;
    struct trial t;
    flip_start(&t);
    int fd = client_open(&t);
    send_flipped(&t, fd, GET("/wait"));
    trial_expect(&t, "admit GET /wait; handle; ");
    shutdown(fd, SHUT_WR);
    TRIAL_UNTIL(&t, NOBODY, trial_connection(&t)->peer == HTTP_PEER_SHUT);
    http_respond(t.held, 200, "text/plain", strdup("waited"), 6);
    expect_flipped(&t, fd, "HTTP/1.1 200 OK\r\n", "waited");
    client_expect_end(&t, fd);
    close(fd);
    trial_stop(&t);
    assert_int_equal(covers, 0);
}

static void closes_with_the_server(void **state)
{
    (void)state;
    struct trial t;
    flip_start(&t);
    int fd = client_open(&t);
    send_flipped(&t, fd, GET("/big"));
    trial_expect(&t, "admit GET /big; ");
    trial_stop(&t);
    assert_string_equal(t.trace, "done 0; ");
    assert_int_equal(covers, 0);
    close(fd);
}

static void without_memory(void **state)
{
    (void)state;
    struct trial t;
    flip_start(&t);
    no_memory = true;
    int fd = client_open(&t);
    client_expect_end(&t, fd);
    close(fd);
    TRIAL_UNTIL(&t, NOBODY, trial_connection(&t) == NULL);
    trial_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_exchanges),
        cmocka_unit_test(carries_what_is_sent_ahead),
        cmocka_unit_test(closes_with_the_server),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
