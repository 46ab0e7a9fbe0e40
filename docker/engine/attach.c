/* The hijacked stream. The happy path:
 *
 *   attach_open -> curl connects (TLS too) in the engine's multi -> on_connected: the socket is ours to poll, the
 *   request is written by hand -> 101 -> on_open -> on_data … -> end of stream -> on_end -> attach_close -> freed
 *
 * What is written goes to the socket at once where it is little and nothing waits before it; the rest waits for the
 * poll. Neither tells the owner anything from within its own call: that the other side is deaf shows in the stream's
 * end.
 *
 * curl lets go of the socket's events when it has connected; the easy handle stays in the multi for the stream's
 * life, for its connection does. Every failure, the deadline and the engine's closing lead to attach_finish(). The
 * owner may close from within any event, so after each one the state is looked at again. */
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
#define READS_A_TURN 4 /* then others have their turn */
#define CHUNK_MIN 16384u
#define REQUEST_MAX 512
#define ATTACH_ID_SIZE 13 /* as the docker command shows an id, and its NUL */

enum attach_state {
    ATTACH_CONNECTING,
    ATTACH_ASKING,  /* the request is under way; bytes are the answer's head */
    ATTACH_REFUSED, /* the answer is an error; bytes are its body */
    ATTACH_OPEN,
    ATTACH_ENDED, /* on_end was told */
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

/* Bytes to be written. They stay where they are until they are gone: TLS wants a write repeated as it was. */
struct chunk {
    struct chunk *next;
    size_t len, size, sent;
    bool tried;
    char data[];
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
    int watching;     /* events that `poll` waits for */
    uint64_t started_ns;

    struct buf head; /* of the answer, or a refusal's body */
    int status;
    struct stdcopy frames;
    struct buf rest; /* read, and not handed over because of a pause */
    bool paused;

    struct chunk *first, *last;
    size_t queued;
    bool above;         /* the queue reached ATTACH_LOW: on_drain is due */
    bool over;          /* the other side ended the stream */
    bool deaf;          /* the other side takes no more; what it sent is still read */
    struct error error; /* could not be started: why */
    const struct attach_events *events;
    void *arg;
};

static void attach_set_state(struct attach *attach, enum attach_state state)
{
    states_move(&attach_states, attach->state, state, attach->container);
    attach->state = state;
}

static bool reading(const struct attach *attach)
{
    return attach->state == ATTACH_ASKING || attach->state == ATTACH_REFUSED || attach->state == ATTACH_OPEN;
}

/* A pause holds the stream, not the answer before it. */
static bool held(const struct attach *attach)
{
    return attach->paused && attach->state == ATTACH_OPEN;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct attach *attach)
{
    int events = 0;

    if (reading(attach))
        events = (held(attach) ? 0 : UV_READABLE) | (attach->first != NULL ? UV_WRITABLE : 0);
    if (events == attach->watching || attach->handles < 2 || attach->state == ATTACH_CLOSED)
        return;
    attach->watching = events;
    if (events != 0)
        uv_poll_start(&attach->poll, events, on_poll);
    else
        uv_poll_stop(&attach->poll);
}

static void drop_queue(struct attach *attach)
{
    while (attach->first != NULL) {
        struct chunk *chunk = attach->first;
        attach->first = chunk->next;
        free(chunk);
    }
    attach->last = NULL;
    attach->queued = 0;
}

static void attach_finish(struct attach *attach, const struct error *error)
{
    attach_set_state(attach, ATTACH_ENDED);
    uv_timer_stop(&attach->timer);
    drop_queue(attach);
    watch(attach);
    attach->events->on_end(attach->arg, error);
}

/* The stream could not be had. */
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

/* Sends of one chunk what the socket takes. Whether it is gone. */
static bool send_chunk(struct attach *attach, struct chunk *chunk)
{
    size_t n = 0;

    chunk->tried = true;
    CURLcode code = curl_easy_send(attach->transfer.easy, chunk->data + chunk->sent, chunk->len - chunk->sent, &n);

    if (code != CURLE_OK && code != CURLE_AGAIN) {
        attach->deaf = true;
        drop_queue(attach);
        return false;
    }
    chunk->sent += n;
    attach->queued -= n;
    return chunk->sent == chunk->len;
}

/* Writes what the socket takes; the poll waits for the rest. Tells nobody. */
static void send_queue(struct attach *attach)
{
    while (attach->first != NULL && send_chunk(attach, attach->first)) {
        struct chunk *chunk = attach->first;
        attach->first = chunk->next;
        free(chunk);
    }
    if (attach->first == NULL)
        attach->last = NULL;
    watch(attach);
}

static void flush(struct attach *attach)
{
    send_queue(attach);
    if (attach->above && attach->queued < ATTACH_LOW && attach->state == ATTACH_OPEN && !attach->deaf) {
        attach->above = false;
        attach->events->on_drain(attach->arg);
    }
}

static struct chunk *chunk_add(struct attach *attach, size_t len)
{
    size_t size = len > CHUNK_MIN ? len : CHUNK_MIN;
    struct chunk *chunk = malloc(sizeof *chunk + size);

    if (chunk == NULL)
        return NULL;
    chunk->next = NULL;
    chunk->len = chunk->sent = 0;
    chunk->tried = false;
    chunk->size = size;
    *(attach->last != NULL ? &attach->last->next : &attach->first) = chunk;
    attach->last = chunk;
    return chunk;
}

/* Behind the last chunk's bytes where they fit and were not tried yet, else as a chunk of their own. */
static int enqueue(struct attach *attach, const void *data, size_t len)
{
    struct chunk *chunk = attach->last;

    if (chunk == NULL || chunk->tried || chunk->size - chunk->len < len)
        chunk = chunk_add(attach, len);
    if (chunk == NULL)
        return -1;
    memcpy(chunk->data + chunk->len, data, len);
    chunk->len += len;
    attach->queued += len;
    return 0;
}

/* A job is small and is written at once, where nothing waits before it. What is large is left to the loop: an owner
 * that goes on as long as its bytes are taken would else keep the others from their turn. */
int attach_write(struct attach *attach, const void *data, size_t len)
{
    bool at_once = attach->queued == 0 && len < ATTACH_LOW;

    if (attach->state != ATTACH_OPEN || attach->deaf || len == 0)
        return 0; /* its end is on the way */
    if (len > ATTACH_QUEUE_MAX - attach->queued || enqueue(attach, data, len) != 0)
        return -1;
    attach->above = attach->above || attach->queued >= ATTACH_LOW;
    if (at_once)
        send_queue(attach);
    else
        watch(attach);
    return 0;
}

size_t attach_queued(const struct attach *attach)
{
    return attach->queued;
}

/* Reading. */

static void on_timer(uv_timer_t *timer);

/* Hands over what is whole, as long as the owner wants it. */
static void feed_frames(struct attach *attach, const uint8_t *data, size_t len)
{
    const uint8_t *piece;
    size_t piece_len;

    while (attach->state == ATTACH_OPEN && !attach->paused && len > 0) {
        enum stdcopy_result result = stdcopy_next(&attach->frames, &data, &len, &piece, &piece_len);
        if (result == STDCOPY_BAD)
            attach_fail_with(attach, ERROR_INTERNAL, "the container's stream is not in the engine's format");
        else if (result == STDCOPY_DATA)
            attach->events->on_data(attach->arg, piece, piece_len);
    }
    if (attach->state == ATTACH_OPEN && len > 0 && buf_append(&attach->rest, data, len) != 0)
        attach_fail_with(attach, ERROR_INTERNAL, "out of memory");
}

/* Waits for the engine's message, but not past the cap. */
static void refused(struct attach *attach)
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

static void opened(struct attach *attach, size_t head)
{
    attach_set_state(attach, ATTACH_OPEN);
    uv_timer_stop(&attach->timer);
    engine_count(attach->engine, "attach", "ok");
    engine_observe(attach->engine, "attach", attach->started_ns);
    attach->events->on_open(attach->arg);
    /* what came behind the head is the stream's already */
    feed_frames(attach, (const uint8_t *)attach->head.data + head, attach->head.len - head);
    buf_reset(&attach->head);
}

static void feed_head(struct attach *attach)
{
    long head = stream_head(attach->head.data, attach->head.len, &attach->status);

    if (head < 0 || (head == 0 && attach->head.len > STREAM_HEAD_MAX)) {
        attach_fail_with(attach, ERROR_INTERNAL, "the container engine's answer to attach was not understood");
    } else if (head > 0 && (attach->status == 101 || attach->status == 200)) {
        opened(attach, (size_t)head);
    } else if (head > 0) {
        attach_set_state(attach, ATTACH_REFUSED);
        buf_consume(&attach->head, (size_t)head);
        refused(attach);
    }
}

static void feed(struct attach *attach, const uint8_t *data, size_t len)
{
    if (attach->state == ATTACH_OPEN) {
        feed_frames(attach, data, len);
    } else if (buf_append(&attach->head, data, len) != 0) {
        attach_fail_with(attach, ERROR_INTERNAL, "the container engine's answer to attach is too long");
    } else if (attach->state == ATTACH_ASKING) {
        feed_head(attach);
    } else {
        refused(attach);
    }
}

static void end_of_stream(struct attach *attach)
{
    const struct error none = {0};

    attach->over = true;
    if (attach->state == ATTACH_REFUSED)
        refused(attach);
    else if (attach->state == ATTACH_OPEN && stdcopy_whole(&attach->frames))
        attach_finish(attach, &none);
    else
        attach_fail_with(attach, ERROR_UNAVAILABLE, "the container engine closed the stream in the middle");
}

static void broken(struct attach *attach, CURLcode code)
{
    struct error error;

    engine_heard(attach->engine, code);
    engine_explain(code, &error);
    attach_fail_with(attach, error.code, error.text);
}

/* One read. Whether there may be more. */
static bool read_once(struct attach *attach)
{
    uint8_t data[READ_SIZE];
    size_t len = 0;
    CURLcode code = curl_easy_recv(attach->transfer.easy, data, sizeof data, &len);

    if (code == CURLE_AGAIN)
        return false;
    if (code != CURLE_OK)
        broken(attach, code);
    else if (len == 0)
        end_of_stream(attach);
    else
        feed(attach, data, len);
    return reading(attach) && !held(attach);
}

/* A turn's reading. What TLS has decrypted and not yet handed out shows on no socket, so that a turn which ends
 * before the socket is empty asks for the next. */
static void read_turn(struct attach *attach)
{
    bool more = true;

    if (attach->rest.len > 0) {
        struct buf rest = attach->rest;
        buf_init(&attach->rest, rest.max);
        feed_frames(attach, (const uint8_t *)rest.data, rest.len);
        buf_free(&rest);
        more = reading(attach) && !held(attach);
    }
    for (int i = 0; more && i < READS_A_TURN; i++)
        more = read_once(attach);
    if (more && attach->state == ATTACH_OPEN)
        uv_timer_start(&attach->timer, on_timer, 0, 0);
    watch(attach);
}

static void on_timer(uv_timer_t *timer)
{
    struct attach *attach = timer->data;

    if (attach->state == ATTACH_OPEN) {
        if (!attach->paused)
            read_turn(attach);
    } else if (attach->error.code != ERROR_NONE) {
        attach_fail_with(attach, attach->error.code, attach->error.text);
    } else {
        broken(attach, CURLE_OPERATION_TIMEDOUT);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct attach *attach = poll->data;

    if (status < 0) { /* uv waits no more; reading tells what it was */
        attach->watching = 0;
        attach->paused = false;
        events = UV_READABLE;
    }
    if ((events & UV_WRITABLE) != 0)
        flush(attach);
    if ((events & UV_READABLE) != 0 && reading(attach) && !held(attach))
        read_turn(attach);
}

void attach_pause(struct attach *attach, bool paused)
{
    attach->paused = paused;
    if (attach->state != ATTACH_OPEN)
        return;
    if (paused)
        watch(attach);
    else
        uv_timer_start(&attach->timer, on_timer, 0, 0);
}

/* Opening. */

static int poll_socket(struct attach *attach)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (curl_easy_getinfo(attach->transfer.easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD ||
        uv_poll_init_socket(attach->engine->loop, &attach->poll, fd) != 0)
        return -1;
    attach->poll.data = attach;
    attach->handles++;
    return 0;
}

/* The request waits in `head` until here. It is sent at once: the first use ties the connection to its handle. */
static void on_connected(struct transfer *transfer, CURLcode code)
{
    struct attach *attach = container_of(transfer, struct attach, transfer);

    if (attach->state != ATTACH_CONNECTING) /* its deadline came first, and its owner has not closed it yet */
        return;
    if (code != CURLE_OK) {
        broken(attach, code);
        return;
    }
    attach_set_state(attach, ATTACH_ASKING);
    if (poll_socket(attach) != 0 || enqueue(attach, attach->head.data, attach->head.len) != 0) {
        attach_fail_with(attach, ERROR_INTERNAL, "the stream's socket could not be taken over");
        return;
    }
    buf_reset(&attach->head);
    flush(attach);
}

static int set_up(struct attach *attach, const char *container)
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
        return error_set(&attach->error, ERROR_INTERNAL, "the stream could not be made ready");
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    if (curl_loop_add(&engine->attaches, &attach->transfer) != 0)
        return error_set(&attach->error, ERROR_INTERNAL, "the stream could not be made ready");
    return 0;
}

struct attach *attach_open(struct engine *engine, const char *container, uint64_t deadline_ms,
                           const struct attach_events *events, void *arg)
{
    struct attach *attach = calloc(1, sizeof *attach);

    if (attach == NULL)
        return NULL;
    attach->engine = engine;
    attach->transfer.done = on_connected;
    attach->started_ns = seam()->monotonic_ns();
    attach->events = events;
    attach->arg = arg;
    buf_init(&attach->head, STREAM_HEAD_MAX + READ_SIZE); /* one read may bring a head and more */
    buf_init(&attach->rest, STREAM_HEAD_MAX + READ_SIZE);
    snprintf(attach->container, sizeof attach->container, "%s", container);
    list_unshift(&engine->open, &attach->node);
    engine->open_count++;
    attach->handles = 1;
    uv_timer_init(engine->loop, &attach->timer);
    attach->timer.data = attach;
    uv_timer_start(&attach->timer, on_timer, set_up(attach, container) == 0 ? deadline_ms : 0, 0);
    return attach;
}

/* Closing. */

void attach_fail_all(struct engine *engine, const struct error *error)
{
    LIST_EACH(node, &engine->open)
    {
        struct attach *attach = container_of(node, struct attach, node);
        if (attach->state < ATTACH_ENDED)
            attach_fail_with(attach, error->code, error->text);
    }
}

static void on_handle_closed(uv_handle_t *handle)
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
    engine_later(engine); /* that may be closing, and have waited for this one */
}

/* The poll handle first: curl closes the socket. */
void attach_close(struct attach *attach)
{
    attach_set_state(attach, ATTACH_CLOSED);
    uv_close((uv_handle_t *)&attach->timer, on_handle_closed);
    if (attach->handles > 1)
        uv_close((uv_handle_t *)&attach->poll, on_handle_closed);
    curl_loop_remove(&attach->engine->attaches, &attach->transfer);
    curl_easy_cleanup(attach->transfer.easy);
    drop_queue(attach);
}
