/* The hijacked stream. The happy path:
 *
 *   attach_open -> curl connects (TLS too) in the engine's multi -> on_attach_connected: we poll the socket and write
 * the request ourselves -> 101 -> on_open -> on_data … -> end of stream -> on_end -> attach_close -> freed
 *
 * attach_write() tries the socket at once if the bytes are few and none are queued. It fires no event: if the other
 * side takes no more, the end of the stream tells the owner.
 *
 * After connecting, curl stops watching the socket. Its easy handle stays in the multi until the stream is closed,
 * because the connection belongs to it. Every failure, the deadline and the engine's closing lead to attach_finish().
 * The owner may close the stream from within any event, so the state is checked again after each event. */
#include "docker/engine/attach.h"

#include "base/buf.h"
#include "base/seam.h"
#include "base/states.h"
#include "docker/engine/engine_private.h"
#include "docker/engine/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_SIZE 65536u
#define READS_A_TURN 4 /* then other streams have their turn */
#define REQUEST_MAX 512
#define ATTACH_ID_SIZE 13 /* as the docker command shows an id, and its NUL */

enum attach_state {
    ATTACH_CONNECTING,
    ATTACH_ASKING,  /* the request is under way; bytes are the answer's head */
    ATTACH_REFUSED, /* the answer is an error; bytes are its body */
    ATTACH_OPEN,
    ATTACH_ENDED, /* on_end has fired */
    ATTACH_CLOSED,
    ATTACH_STATES
};

static const struct states attach_states = {
    .subject = "attach",
    .names = (const char *const[]){"connecting", "asking", "refused", "open", "ended", "closed"},
    .next =
        (const uint32_t[]){
            [ATTACH_CONNECTING] = STATE(ATTACH_ASKING) | STATE(ATTACH_ENDED) | STATE(ATTACH_CLOSED),
            [ATTACH_ASKING] = STATE(ATTACH_OPEN) | STATE(ATTACH_REFUSED) | STATE(ATTACH_ENDED) | STATE(ATTACH_CLOSED),
            [ATTACH_REFUSED] = STATE(ATTACH_ENDED) | STATE(ATTACH_CLOSED),
            [ATTACH_OPEN] = STATE(ATTACH_ENDED) | STATE(ATTACH_CLOSED),
            [ATTACH_ENDED] = STATE(ATTACH_CLOSED),
            [ATTACH_CLOSED] = 0,
        },
    .count = ATTACH_STATES,
};

/* Bytes to be written. They keep their address until they are gone, because TLS wants a write repeated unchanged. */
struct chunk {
    struct list node; /* in attach->queue */
    struct buf bytes;
    size_t sent;
    bool tried; /* a write was tried: nothing may be appended any more */
};

struct attach {
    struct engine *engine;
    struct list node;               /* in engine->open */
    char container[ATTACH_ID_SIZE]; /* for the log */
    enum attach_state state;
    struct transfer transfer;
    uv_poll_t poll;
    uv_timer_t timer; /* the deadline; once open, the next turn's reading */
    unsigned handles; /* of uv: the timer, and the poll once there is a socket */
    int watching;     /* the events that `poll` waits for */
    uint64_t started_ns;

    struct buf head; /* the request; later the answer's head, or a refusal's body */
    int status;
    struct stdcopy frames;
    struct buf rest; /* read, but not handed over because of a pause */
    bool paused;

    struct list queue;  /* chunks */
    size_t queued;      /* bytes in them that are not sent */
    bool above;         /* the queue reached ATTACH_LOW: on_drain will fire */
    bool over;          /* the other side ended the stream */
    bool deaf;          /* the other side takes no more, but we still read what it sent */
    struct error error; /* why the stream could not be started */
    const struct attach_events *events;
    void *arg;
};

static void attach_set_state(struct attach *attach, enum attach_state state)
{
    states_move(&attach_states, attach->state, state, attach->container);
    attach->state = state;
}

static bool attach_reads(const struct attach *attach)
{
    return attach->state == ATTACH_ASKING || attach->state == ATTACH_REFUSED || attach->state == ATTACH_OPEN;
}

/* A pause stops the stream, but not the answer before it. */
static bool attach_is_paused(const struct attach *attach)
{
    return attach->paused && attach->state == ATTACH_OPEN;
}

static void on_attach_poll(uv_poll_t *poll, int status, int events);

static void attach_watch(struct attach *attach)
{
    int events = 0;

    if (attach_reads(attach))
        events = (attach_is_paused(attach) ? 0 : UV_READABLE) | (!list_is_empty(&attach->queue) ? UV_WRITABLE : 0);
    if (events == attach->watching || attach->handles < 2 || attach->state == ATTACH_CLOSED)
        return;
    attach->watching = events;
    if (events != 0)
        uv_poll_start(&attach->poll, events, on_attach_poll);
    else
        uv_poll_stop(&attach->poll);
}

static void chunk_free(struct chunk *chunk)
{
    list_remove(&chunk->node);
    buf_free(&chunk->bytes);
    free(chunk);
}

static struct chunk *chunk_of(struct list *node)
{
    return container_of(node, struct chunk, node);
}

static void attach_drop_queue(struct attach *attach)
{
    LIST_EACH (node, &attach->queue)
        chunk_free(chunk_of(node));
    attach->queued = 0;
}

static void attach_finish(struct attach *attach, const struct error *error)
{
    attach_set_state(attach, ATTACH_ENDED);
    uv_timer_stop(&attach->timer);
    attach_drop_queue(attach);
    attach_watch(attach);
    attach->events->on_end(attach->arg, error);
}

/* The stream could not be opened. */
static void attach_fail(struct attach *attach, const struct error *error)
{
    engine_count(attach->engine, "attach", attach->state == ATTACH_REFUSED ? "error" : "failed");
    attach_finish(attach, error);
}

static void attach_fail_with(struct attach *attach, enum error_code code, const char *text)
{
    struct error error;

    error_set(&error, code, "%s", text);
    if (attach->state == ATTACH_OPEN)
        attach_finish(attach, &error);
    else
        attach_fail(attach, &error);
}

/* Writing. */

/* Sends as much of the chunk as the socket takes. Returns whether that was all. */
static bool attach_send_chunk(struct attach *attach, struct chunk *chunk)
{
    size_t n = 0;

    chunk->tried = true;
    CURLcode code =
        curl_easy_send(attach->transfer.easy, chunk->bytes.data + chunk->sent, chunk->bytes.len - chunk->sent, &n);

    if (code != CURLE_OK && code != CURLE_AGAIN) {
        attach->deaf = true;
        attach_drop_queue(attach);
        return false;
    }
    chunk->sent += n;
    attach->queued -= n;
    return chunk->sent == chunk->bytes.len;
}

/* Writes what the socket takes; the poll waits to write the rest. Fires no event. */
static void attach_send_queue(struct attach *attach)
{
    LIST_EACH (node, &attach->queue) {
        if (!attach_send_chunk(attach, chunk_of(node)))
            break;
        chunk_free(chunk_of(node));
    }
    attach_watch(attach);
}

static void attach_flush(struct attach *attach)
{
    attach_send_queue(attach);
    if (attach->above && attach->queued < ATTACH_LOW && attach->state == ATTACH_OPEN && !attach->deaf) {
        attach->above = false;
        attach->events->on_drain(attach->arg);
    }
}

/* Appends to the last chunk if its memory has room, so that many small writes need little memory. */
static bool chunk_append(struct chunk *chunk, const struct buf *bytes)
{
    return !chunk->tried && chunk->bytes.cap - chunk->bytes.len > bytes->len &&
           buf_append(&chunk->bytes, bytes->data, bytes->len) == 0;
}

/* Takes the memory of `bytes` over. */
static int attach_enqueue(struct attach *attach, struct buf *bytes)
{
    attach->queued += bytes->len;
    if (!list_is_empty(&attach->queue) && chunk_append(chunk_of(list_last(&attach->queue)), bytes))
        return 0;
    struct chunk *chunk = calloc(1, sizeof *chunk);
    if (chunk == NULL) {
        attach->queued -= bytes->len;
        return -1;
    }
    chunk->bytes = *bytes;
    buf_init(bytes, bytes->max);
    list_push(&attach->queue, &chunk->node);
    return 0;
}

/* Much is left to the loop. Otherwise an owner that writes as long as its bytes are taken would starve the others. */
static int attach_write_open(struct attach *attach, struct buf *bytes)
{
    bool at_once = attach->queued == 0 && bytes->len < ATTACH_AT_ONCE;

    if (bytes->len > ATTACH_QUEUE_MAX - attach->queued || attach_enqueue(attach, bytes) != 0)
        return -1;
    attach->above = attach->above || attach->queued >= ATTACH_LOW;
    if (at_once)
        attach_send_queue(attach);
    else
        attach_watch(attach);
    return 0;
}

int attach_write(struct attach *attach, struct buf *bytes)
{
    bool open = attach->state == ATTACH_OPEN && !attach->deaf && bytes->len > 0;
    int result = open ? attach_write_open(attach, bytes) : 0;

    buf_free(bytes);
    return result;
}

size_t attach_queued(const struct attach *attach)
{
    return attach->queued;
}

/* Reading. */

static void on_attach_timer(uv_timer_t *timer);

/* Hands over what is complete, until the owner pauses the stream. */
static void attach_feed_frames(struct attach *attach, const uint8_t *data, size_t len)
{
    const uint8_t *piece;
    size_t piece_len;

    while (attach->state == ATTACH_OPEN && !attach->paused && len > 0) {
        enum stdcopy_result result = stdcopy_next(&attach->frames, &data, &len, &piece, &piece_len);
        if (result == STDCOPY_BAD)
            attach_fail_with(attach, ERROR_INTERNAL, "the container's stream is not in the engine's format");
        else if (result == STDCOPY_STDOUT)
            attach->events->on_data(attach->arg, piece, piece_len);
        else if (result == STDCOPY_STDERR && attach->events->on_stderr != NULL)
            attach->events->on_stderr(attach->arg, piece, piece_len);
    }
    if (attach->state == ATTACH_OPEN && len > 0 && buf_append(&attach->rest, data, len) != 0)
        attach_fail_with(attach, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
}

/* Waits for the whole message of the engine, up to STREAM_HEAD_MAX bytes. */
static void attach_refused(struct attach *attach)
{
    char message[400];
    struct error error;
    bool whole = stream_refusal(attach->head.data, attach->head.len, message, sizeof message) != 0;

    if (!whole && !attach->over && attach->head.len <= STREAM_HEAD_MAX)
        return;
    if (whole)
        error_set(&error, attach->status == 404 ? ERROR_NOT_FOUND : ERROR_CONFLICT, "%s", message);
    else
        error_set(&error, ERROR_INTERNAL, "the container engine answered %d", attach->status);
    attach_fail(attach, &error);
}

static void attach_opened(struct attach *attach, size_t head)
{
    attach_set_state(attach, ATTACH_OPEN);
    uv_timer_stop(&attach->timer);
    engine_count(attach->engine, "attach", "ok");
    engine_observe(attach->engine, "attach", attach->started_ns);
    attach->events->on_open(attach->arg);
    /* the bytes after the head belong to the stream */
    attach_feed_frames(attach, (const uint8_t *)attach->head.data + head, attach->head.len - head);
    buf_reset(&attach->head);
}

static void attach_feed_head(struct attach *attach)
{
    long head = stream_head(attach->head.data, attach->head.len, &attach->status);

    if (head < 0 || (head == 0 && attach->head.len > STREAM_HEAD_MAX)) {
        attach_fail_with(attach, ERROR_INTERNAL, "the container engine's answer to attach was not understood");
    } else if (head > 0 && (attach->status == 101 || attach->status == 200)) {
        attach_opened(attach, (size_t)head);
    } else if (head > 0) {
        attach_set_state(attach, ATTACH_REFUSED);
        buf_consume(&attach->head, (size_t)head);
        attach_refused(attach);
    }
}

static void attach_feed(struct attach *attach, const uint8_t *data, size_t len)
{
    if (attach->state == ATTACH_OPEN) {
        attach_feed_frames(attach, data, len);
    } else if (buf_append(&attach->head, data, len) != 0) {
        attach_fail_with(attach, ERROR_INTERNAL, "the container engine's answer to attach is too long");
    } else if (attach->state == ATTACH_ASKING) {
        attach_feed_head(attach);
    } else {
        attach_refused(attach);
    }
}

static void attach_end_of_stream(struct attach *attach)
{
    const struct error none = {0};

    attach->over = true;
    if (attach->state == ATTACH_REFUSED)
        attach_refused(attach);
    else if (attach->state == ATTACH_OPEN && stdcopy_whole(&attach->frames))
        attach_finish(attach, &none);
    else
        attach_fail_with(attach, ERROR_UNAVAILABLE, "the container engine closed the stream in the middle");
}

static void attach_broken(struct attach *attach, CURLcode code)
{
    struct error error;

    engine_heard(attach->engine, code);
    engine_explain(code, &error);
    attach_fail_with(attach, error.code, error.text);
}

/* Reads once. Returns whether another read makes sense. */
static bool attach_read_once(struct attach *attach)
{
    uint8_t data[READ_SIZE];
    size_t len = 0;
    CURLcode code = curl_easy_recv(attach->transfer.easy, data, sizeof data, &len);

    if (code == CURLE_AGAIN)
        return false;
    if (code != CURLE_OK)
        attach_broken(attach, code);
    else if (len == 0)
        attach_end_of_stream(attach);
    else
        attach_feed(attach, data, len);
    return attach_reads(attach) && !attach_is_paused(attach);
}

/* Reads in one turn of the loop. Bytes that TLS has decrypted but not handed out do not make the socket readable, so
 * the timer starts the next turn unless this one found the socket empty. */
static void attach_read_turn(struct attach *attach)
{
    bool more = true;

    if (attach->rest.len > 0) {
        struct buf rest = attach->rest;
        buf_init(&attach->rest, rest.max);
        attach_feed_frames(attach, (const uint8_t *)rest.data, rest.len);
        buf_free(&rest);
        more = attach_reads(attach) && !attach_is_paused(attach);
    }
    for (int i = 0; more && i < READS_A_TURN; i++)
        more = attach_read_once(attach);
    if (more && attach->state == ATTACH_OPEN)
        uv_timer_start(&attach->timer, on_attach_timer, 0, 0);
    attach_watch(attach);
}

static void on_attach_timer(uv_timer_t *timer)
{
    struct attach *attach = timer->data;

    if (attach->state == ATTACH_OPEN) {
        if (!attach->paused)
            attach_read_turn(attach);
    } else if (attach->error.code != ERROR_NONE) {
        attach_fail_with(attach, attach->error.code, attach->error.text);
    } else {
        attach_broken(attach, CURLE_OPERATION_TIMEDOUT);
    }
}

static void on_attach_poll(uv_poll_t *poll, int status, int events)
{
    struct attach *attach = poll->data;

    if (status < 0) { /* uv has stopped polling; a read will say what is wrong */
        attach->watching = 0;
        attach->paused = false;
        events = UV_READABLE;
    }
    if ((events & UV_WRITABLE) != 0)
        attach_flush(attach);
    if ((events & UV_READABLE) != 0 && attach_reads(attach) && !attach_is_paused(attach))
        attach_read_turn(attach);
}

void attach_pause(struct attach *attach, bool paused)
{
    bool same = attach->paused == paused;

    attach->paused = paused;
    if (same || attach->state != ATTACH_OPEN)
        return;
    if (paused)
        attach_watch(attach);
    else
        uv_timer_start(&attach->timer, on_attach_timer, 0, 0);
}

/* Opening. */

static int attach_poll_socket(struct attach *attach)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (curl_easy_getinfo(attach->transfer.easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD ||
        uv_poll_init_socket(attach->engine->loop, &attach->poll, fd) != 0)
        return -1;
    attach->poll.data = attach;
    attach->handles++;
    return 0;
}

/* The request, which attach_set_up() wrote into `head`, is sent at once: the first use ties the connection to the easy
 * handle. */
static void on_attach_connected(struct transfer *transfer, CURLcode code)
{
    struct attach *attach = container_of(transfer, struct attach, transfer);

    if (attach->state != ATTACH_CONNECTING) /* the deadline came first, and the owner has not closed the stream yet */
        return;
    if (code != CURLE_OK) {
        attach_broken(attach, code);
        return;
    }
    attach_set_state(attach, ATTACH_ASKING);
    if (attach_poll_socket(attach) != 0 || attach_enqueue(attach, &attach->head) != 0) {
        attach_fail_with(attach, ERROR_INTERNAL, "the stream's socket could not be taken over");
        return;
    }
    attach_flush(attach);
}

static int attach_set_up(struct attach *attach, const char *container)
{
    struct engine *engine = attach->engine;
    CURL *easy = attach->transfer.easy = curl_easy_init();

    if (engine_refuses(engine, &attach->error))
        return -1;
    if (engine->open_count > ENGINE_ATTACHES_MAX)
        return error_set(&attach->error, ERROR_UNAVAILABLE, "more than %u streams at once", ENGINE_ATTACHES_MAX);
    if (easy == NULL || strlen(container) > REQUEST_MAX / 2 || endpoint_apply(&engine->endpoint, easy, "/") != 0 ||
        buf_printf(&attach->head,
                   "POST /v%s/containers/%s/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n"
                   "Host: %s\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n",
                   engine->version, container, engine->endpoint.host) != 0)
        return error_set(&attach->error, ERROR_INTERNAL, "the stream could not be prepared");
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    if (curl_loop_add(&engine->attaches, &attach->transfer) != 0)
        return error_set(&attach->error, ERROR_INTERNAL, "the stream could not be prepared");
    return 0;
}

struct attach *attach_open(struct engine *engine, const char *container, uint64_t deadline_ms,
                           const struct attach_events *events, void *arg)
{
    struct attach *attach = calloc(1, sizeof *attach);

    if (attach == NULL)
        return NULL;
    attach->engine = engine;
    attach->transfer.done = on_attach_connected;
    attach->started_ns = seam()->monotonic_ns();
    attach->events = events;
    attach->arg = arg;
    buf_init(&attach->head, STREAM_HEAD_MAX + READ_SIZE); /* one read may bring a head and more */
    buf_init(&attach->rest, STREAM_HEAD_MAX + READ_SIZE);
    list_init(&attach->queue);
    snprintf(attach->container, sizeof attach->container, "%s", container);
    list_unshift(&engine->open, &attach->node);
    engine->open_count++;
    attach->handles = 1;
    uv_timer_init(engine->loop, &attach->timer);
    attach->timer.data = attach;
    uv_timer_start(&attach->timer, on_attach_timer, attach_set_up(attach, container) == 0 ? deadline_ms : 0, 0);
    return attach;
}

/* Closing. */

void attach_fail_all(struct engine *engine, const struct error *error)
{
    LIST_EACH (node, &engine->open) {
        struct attach *attach = container_of(node, struct attach, node);
        if (attach->state < ATTACH_ENDED)
            attach_fail_with(attach, error->code, error->text);
    }
}

static void on_attach_closed(uv_handle_t *handle)
{
    struct attach *attach = handle->data;
    struct engine *engine = attach->engine;

    if (--attach->handles > 0)
        return;
    list_remove(&attach->node);
    engine->open_count--;
    buf_free(&attach->head);
    buf_free(&attach->rest);
    free(attach);
    engine_later(engine); /* it may be closing, and then waits for its streams */
}

/* The poll handle must be closed first, because curl closes the socket. */
void attach_close(struct attach *attach)
{
    attach_set_state(attach, ATTACH_CLOSED);
    uv_close((uv_handle_t *)&attach->timer, on_attach_closed);
    if (attach->handles > 1)
        uv_close((uv_handle_t *)&attach->poll, on_attach_closed);
    curl_loop_remove(&attach->engine->attaches, &attach->transfer);
    curl_easy_cleanup(attach->transfer.easy);
    attach_drop_queue(attach);
}
