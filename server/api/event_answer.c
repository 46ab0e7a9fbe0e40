#include "api/event_answer.h"

#include "base/buf.h"
#include "base/container_of.h"
#include "http/http.h"

#include <stdlib.h>

#define TICK_MS 1000
#define PING_TICKS 15

struct event_answer {
    struct http_exchange *ex;
    uv_timer_t timer;
    void (*room)(void *arg);
    void *arg;
    struct buf out; /* what the connection has not taken yet */
    unsigned quiet; /* ticks since something was sent */
    bool failed;    /* there was no memory for some of it */
    bool waits;     /* the owner is to be told when `out` is empty */
    bool ends;
};

static void event_answer_on_closed(uv_handle_t *handle)
{
    struct event_answer *answer = container_of(handle, struct event_answer, timer);

    buf_free(&answer->out);
    free(answer);
}

static void event_answer_free(struct event_answer *answer)
{
    uv_close((uv_handle_t *)&answer->timer, event_answer_on_closed);
}

void event_answer_drop(struct event_answer *answer)
{
    if (answer != NULL)
        event_answer_free(answer);
}

/* Hands over what the connection takes. */
static void event_answer_flush(struct event_answer *answer)
{
    struct buf *out = &answer->out;

    answer->quiet = 0;
    if (out->len > 0)
        buf_consume(out, http_flow_write(answer->ex, out->data, out->len));
    if (out->len > 0 || !answer->ends)
        return;
    http_flow_end(answer->ex);
    event_answer_free(answer);
}

static void event_answer_on_drained(void *arg)
{
    struct event_answer *answer = arg;
    bool ends = answer->ends;

    event_answer_flush(answer);
    if (ends || answer->out.len > 0 || !answer->waits)
        return;
    answer->waits = false;
    answer->room(answer->arg);
}

static void event_answer_on_gone(void *arg)
{
    event_answer_free(arg);
}

static void event_answer_on_tick(uv_timer_t *timer)
{
    struct event_answer *answer = container_of(timer, struct event_answer, timer);

    answer->quiet++;
    if (answer->out.len > 0) /* the client has yet to take earlier ones */
        return;
    if (answer->quiet >= PING_TICKS)
        event_answer_comment(answer, "ping");
    else if (!http_is_open(answer->ex))
        event_answer_comment(answer, "");
}

struct event_answer *event_answer_new(uv_loop_t *loop, void (*room)(void *arg), void *arg)
{
    struct event_answer *answer = calloc(1, sizeof *answer);

    if (answer == NULL)
        return NULL;
    answer->room = room;
    answer->arg = arg;
    buf_init(&answer->out, PTRDIFF_MAX);
    uv_timer_init(loop, &answer->timer);
    return answer;
}

void event_answer_begin(struct event_answer *answer, struct http_exchange *ex)
{
    answer->ex = ex;
    uv_timer_start(&answer->timer, event_answer_on_tick, TICK_MS, TICK_MS);
    http_header_add(ex, "Cache-Control", "no-store");
    http_header_add(ex, "X-Accel-Buffering", "no");
    http_flow_begin(ex, 200, "text/event-stream");
    http_flow_on_drained(ex, event_answer_on_drained, answer);
}

static int add_event(struct buf *out, uint64_t id, const char *name, const char *json, size_t len)
{
    size_t before = out->len;

    if ((id == 0 || buf_printf(out, "id: %llu\n", (unsigned long long)id) == 0) &&
        buf_printf(out, "event: %s\ndata: ", name) == 0 && buf_append(out, json, len) == 0 &&
        buf_puts(out, "\n\n") == 0)
        return 0;
    out->len = before;
    return -1;
}

bool event_answer_send(struct event_answer *answer, uint64_t id, const char *name, const char *json, size_t len)
{
    answer->failed = answer->failed || add_event(&answer->out, id, name, json, len) != 0;
    event_answer_flush(answer);
    answer->waits = answer->out.len > 0;
    return !answer->waits;
}

void event_answer_comment(struct event_answer *answer, const char *text)
{
    if (buf_printf(&answer->out, ": %s\n\n", text) == 0) /* else the client can do without it */
        event_answer_flush(answer);
}

void event_answer_end(struct event_answer *answer, bool whole)
{
    uv_timer_stop(&answer->timer);
    if (!whole || answer->failed) {
        http_flow_abort(answer->ex);
        event_answer_free(answer);
        return;
    }
    answer->ends = true;
    http_on_gone(answer->ex, event_answer_on_gone, answer);
    event_answer_flush(answer);
}
