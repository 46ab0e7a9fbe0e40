#include "lib/fake_engine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS 5

struct fake_client {
    uv_pipe_t pipe;
    struct fake *fake;
    struct fake_client *next;
    struct buf in;
    const struct fake_rule *rule; /* whose answer is under way */
    size_t sent;
    bool streaming, closing;
};

struct fake_write {
    uv_write_t request;
    struct fake_client *client;
    bool piece; /* of an answer: the next follows */
    char data[];
};

static void send_piece(struct fake_client *client);

static void on_client_closed(uv_handle_t *handle)
{
    struct fake_client *client = handle->data;

    buf_free(&client->in);
    free(client);
}

static void client_close(struct fake_client *client)
{
    struct fake *fake = client->fake;
    struct fake_client **at = &fake->first;

    if (client->closing)
        return;
    client->closing = true;
    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    if (fake->script != NULL)
        fake->script->left(fake, client);
    if (fake->streamer == client) {
        fake->streamer = NULL;
        fake->stream_over = true;
    }
    uv_close((uv_handle_t *)&client->pipe, on_client_closed);
}

static void on_written(uv_write_t *request, int status)
{
    struct fake_write *write = (struct fake_write *)request;
    struct fake_client *client = write->client;
    bool piece = write->piece;

    free(write);
    if (status == 0 && piece && !client->closing)
        send_piece(client);
}

static void client_write(struct fake_client *client, const void *data, size_t len, bool piece)
{
    struct fake_write *write = malloc(sizeof *write + len);
    uv_buf_t buf;

    assert_non_null(write);
    write->client = client;
    write->piece = piece;
    memcpy(write->data, data, len);
    buf = uv_buf_init(write->data, (unsigned)len);
    assert_int_equal(uv_write(&write->request, (uv_stream_t *)&client->pipe, &buf, 1, on_written), 0);
}

static void send_piece(struct fake_client *client)
{
    const struct fake_rule *rule = client->rule;
    size_t len = rule->len != 0 ? rule->len : strlen(rule->data);
    size_t n = len - client->sent;

    if (rule->piece != 0 && n > rule->piece)
        n = rule->piece;
    if (n > 0) {
        client->sent += n;
        client_write(client, rule->data + client->sent - n, n, true);
    } else if (rule->hangup) {
        client_close(client);
    }
}

static void answer(struct fake_client *client, const char *line)
{
    struct fake *fake = client->fake;

    for (const struct fake_rule *rule = fake->rules; rule->match != NULL; rule++) {
        if (strstr(line, rule->match) == NULL)
            continue;
        client->rule = rule;
        client->sent = 0;
        client->streaming = rule->stream;
        if (rule->stream) {
            fake->streamer = client;
            fake->stream_over = false;
        }
        if (rule->data != NULL)
            send_piece(client);
        return;
    }
    fail_msg("no rule for %s", line);
}

static size_t content_length(const char *head)
{
    const char *at = strcasestr(head, "\r\nContent-Length:");

    return at != NULL ? strtoul(at + 17, NULL, 10) : 0;
}

/* One request from the front, once it is whole. */
static bool take_request(struct fake_client *client)
{
    struct fake *fake = client->fake;
    const char *end = client->in.len > 0 ? strstr(client->in.data, "\r\n\r\n") : NULL;
    char line[256];

    if (end == NULL)
        return false;
    size_t whole = (size_t)(end - client->in.data) + 4 + content_length(client->in.data);
    if (client->in.len < whole)
        return false;
    snprintf(line, sizeof line, "%.*s", (int)strcspn(client->in.data, "\r"), client->in.data);
    if (strstr(line, "/_ping") == NULL) {
        buf_reset(&fake->request);
        buf_append(&fake->request, client->in.data, whole);
        fake->requests++;
    }
    buf_consume(&client->in, whole);
    if (fake->script != NULL && strstr(line, "/_ping") == NULL)
        fake->script->request(fake, client, line, strstr(fake->request.data, "\r\n\r\n") + 4);
    else
        answer(client, line);
    return true;
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)handle;
    buf->base = malloc(size);
    buf->len = size;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct fake_client *client = stream->data;

    if (n > 0 && client->streaming && client->fake->script != NULL) {
        client->fake->script->heard(client->fake, client, buf->base, (size_t)n);
    } else if (n > 0) {
        buf_append(client->streaming ? &client->fake->stream : &client->in, buf->base, (size_t)n);
        while (!client->streaming && !client->closing && take_request(client))
            ;
        if (client->streaming && client->fake->deaf)
            uv_read_stop(stream);
    } else if (n < 0) {
        client_close(client);
    }
    free(buf->base);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct fake *fake = listener->data;
    struct fake_client *client = calloc(1, sizeof *client);

    assert_int_equal(status, 0);
    assert_non_null(client);
    client->fake = fake;
    client->next = fake->first;
    fake->first = client;
    fake->connections++;
    buf_init(&client->in, FAKE_BYTES_MAX);
    uv_pipe_init(fake->loop, &client->pipe, 0);
    client->pipe.data = client;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&client->pipe), 0);
    uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read);
}

void fake_restart(struct fake *fake)
{
    uv_pipe_init(fake->loop, &fake->listener, 0);
    fake->listener.data = fake;
    unlink(fake->path);
    assert_int_equal(uv_pipe_bind(&fake->listener, fake->path), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&fake->listener, 128, on_connection), 0);
    fake->listening = true;
}

void fake_open(struct fake *fake, uv_loop_t *loop)
{
    static const struct fake_rule rules[] = {{.match = NULL}};

    signal(SIGPIPE, SIG_IGN); /* uv writes with write(2) */
    *fake = (struct fake){.loop = loop};
    snprintf(fake->path, sizeof fake->path, "/tmp/codecell-fake-%d.sock", (int)getpid());
    snprintf(fake->host, sizeof fake->host, "unix://%s", fake->path);
    buf_init(&fake->request, FAKE_BYTES_MAX);
    buf_init(&fake->stream, FAKE_BYTES_MAX);
    fake_rules(fake, rules);
    fake_restart(fake);
}

/* Behind the test's own: pings are answered, all else is unknown. */
void fake_rules(struct fake *fake, const struct fake_rule *rules)
{
    size_t n = 0;

    while (rules[n].match != NULL) {
        assert_true(n < FAKE_RULES_MAX - 3);
        fake->rules[n] = rules[n];
        n++;
    }
    fake->rules[n++] = (struct fake_rule){.match = "/_ping", .data = PING_OK};
    fake->rules[n++] = (struct fake_rule){
        .match = "", .data = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nContent-Type: text/plain\r\n\r\n"};
    fake->rules[n] = (struct fake_rule){.match = NULL};
}

void fake_stop(struct fake *fake)
{
    if (fake->listening)
        uv_close((uv_handle_t *)&fake->listener, NULL);
    fake->listening = false;
    while (fake->first != NULL)
        client_close(fake->first);
    unlink(fake->path);
    uv_run(fake->loop, UV_RUN_NOWAIT); /* the listener's memory is used again */
}

void fake_close(struct fake *fake)
{
    fake_stop(fake);
    buf_free(&fake->request);
    buf_free(&fake->stream);
}

void fake_send(struct fake *fake, const void *data, size_t len)
{
    assert_non_null(fake->streamer);
    client_write(fake->streamer, data, len, false);
}

void fake_send_frame(struct fake *fake, int type, const void *data, size_t len)
{
    struct buf frame;
    char head[8] = {(char)type, 0, 0, 0, (char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len};

    buf_init(&frame, FAKE_BYTES_MAX);
    buf_append(&frame, head, sizeof head);
    buf_append(&frame, data, len);
    fake_send(fake, frame.data, frame.len);
    buf_free(&frame);
}

void fake_listen_again(struct fake *fake)
{
    fake->deaf = false;
    uv_read_start((uv_stream_t *)&fake->streamer->pipe, on_alloc, on_read);
}

void fake_hang_up(struct fake *fake)
{
    client_close(fake->streamer);
}

void fake_reply(struct fake_client *client, const void *data, size_t len, bool stream)
{
    if (client->closing)
        return;
    client->streaming |= stream;
    client_write(client, data, len, false);
}

void fake_drop(struct fake_client *client)
{
    client_close(client);
}

void fake_drop_call(struct fake *fake)
{
    struct fake_client *client = fake->first;

    while (client != NULL && client->streaming)
        client = client->next;
    if (client != NULL)
        client_close(client);
    else
        fail_msg("no call is under way");
}

void fake_stop_reading(struct fake_client *client)
{
    uv_read_stop((uv_stream_t *)&client->pipe);
}

void fake_read_again(struct fake_client *client)
{
    uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read);
}

size_t fake_unsent(const struct fake_client *client)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&client->pipe);
}

/* Ticks, so that a turn which ran its timers first does not then wait for the next event. */
static void on_tick(uv_timer_t *timer)
{
    unsigned *ticks = timer->data;

    if (++*ticks > 20000 / TICK_MS)
        fail_msg("not within 20 seconds");
}

void run_until(uv_loop_t *loop, const bool *flag)
{
    unsigned ticks = 0;
    uv_timer_t timer;

    uv_timer_init(loop, &timer);
    timer.data = &ticks;
    uv_timer_start(&timer, on_tick, TICK_MS, TICK_MS);
    while (!*flag)
        uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
}

void run_turns(uv_loop_t *loop, int turns)
{
    for (int i = 0; i < turns; i++)
        uv_run(loop, UV_RUN_NOWAIT);
}
