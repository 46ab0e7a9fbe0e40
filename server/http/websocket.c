/* The happy path: websocket_accept -> ws_on_opened -> bytes come (ws_on_read) -> ws_advance, which reads frame by frame
 * -> on_message. What is sent gathers in `filling` while `sending` is with the transport. Callbacks note what happened
 * and call ws_advance() or ws_flush(). */
#include "http/websocket.h"

#include "base/container_of.h"
#include "base/states.h"
#include "base/text.h"
#include "http/answer.h"
#include "http/claim.h"
#include "http/connection.h"
#include "http/exchange_private.h"
#include "http/request_head.h"
#include "http/upgrade.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_MAX 16384
#define VERSION "13"
#define QUEUE_MAX ((size_t)256 << 20) /* bytes: reaching it is the same as no memory */
#define SMALL_MAX ((size_t)64 << 10)  /* bytes of a message for which there is always room */
#define KEEP_MAX ((size_t)1 << 20)    /* an empty buffer larger than this is freed */

enum ws_state { WS_OPENING, WS_OPEN, WS_CLOSING, WS_SHUT, WS_OVER, WS_STATES };

static const struct states ws_states = {
    .subject = "websocket",
    .names = (const char *const[]){"opening", "open", "closing", "shut", "over"},
    .next =
        (const uint32_t[]){
            [WS_OPENING] = STATE(WS_OPEN) | STATE(WS_OVER),
            [WS_OPEN] = STATE(WS_CLOSING) | STATE(WS_SHUT) | STATE(WS_OVER),
            [WS_CLOSING] = STATE(WS_SHUT) | STATE(WS_OVER),
            [WS_SHUT] = STATE(WS_OVER),
            [WS_OVER] = 0,
        },
    .count = WS_STATES,
};

struct websocket {
    struct websocket_options options;
    const struct websocket_events *events; /* NULL: the owner wants no more */
    enum ws_state state;
    uv_loop_t *loop;
    size_t message_max;
    struct http_socket *socket; /* NULL before it is open and after its end */
    struct websocket_frames frames;
    struct buf early;     /* what came with the handshake */
    bool held, advancing; /* by the owner; ws_advance() is at work */
    bool deaf;            /* frames cannot be read any more, so what comes is dropped */
    bool reading;
    uv_timer_t clock; /* open: the next ping; later: the deadline */
    uv_timer_t turn;  /* calls ws_advance() from the loop */
    uint64_t heard;   /* loop time, ms, of the last pong, or when patience began */
    bool ping_waits;  /* it is still in `filling` */
    bool pong_owed;   /* the last ping could not be answered, because too much waits */
    char ping[WEBSOCKET_CONTROL_MAX];
    size_t ping_len;
    struct buf filling, sending;
    struct http_claim claim; /* for what it holds */
    struct http_write write;
    bool writing;     /* `sending` is with the transport */
    bool full;        /* the owner waits for on_drained */
    bool ended;       /* our side was shut */
    bool failed;      /* the connection cannot be used: ends at the next turn */
    unsigned handles; /* timers that are not closed, and a write that is not done */
    char room[READ_MAX];
};

static void ws_set_state(struct websocket *ws, enum ws_state state)
{
    states_move(&ws_states, ws->state, state, NULL);
    ws->state = state;
}

/* The end. */

static void ws_release(struct websocket *ws)
{
    if (--ws->handles > 0)
        return;
    websocket_frames_free(&ws->frames);
    buf_free(&ws->early);
    buf_free(&ws->filling);
    buf_free(&ws->sending);
    http_claim_close(&ws->claim);
    free(ws);
}

static void on_ws_timer_closed(uv_handle_t *handle)
{
    ws_release(handle->data);
}

static void ws_tell_gone(struct websocket *ws)
{
    const struct websocket_events *events = ws->events;

    ws->events = NULL;
    if (events != NULL)
        events->on_gone(ws->options.arg);
}

/* Ends the connection now. */
static void ws_end(struct websocket *ws)
{
    struct http_socket *socket = ws->socket;

    if (ws->state == WS_OVER)
        return;
    ws_set_state(ws, WS_OVER);
    ws->socket = NULL;
    if (socket != NULL)
        http_socket_close(socket);
    uv_close((uv_handle_t *)&ws->clock, on_ws_timer_closed);
    uv_close((uv_handle_t *)&ws->turn, on_ws_timer_closed);
    ws_tell_gone(ws);
}

static void on_ws_turn(uv_timer_t *timer);

/* Goes on from the loop, because the owner is in a call of its own. */
static void ws_wake(struct websocket *ws)
{
    uv_timer_start(&ws->turn, on_ws_turn, 0, 0);
}

static void on_ws_late(uv_timer_t *timer)
{
    ws_end(timer->data);
}

/* The time for the next step of the client's leaving begins. */
static void ws_hurry(struct websocket *ws)
{
    uv_timer_start(&ws->clock, on_ws_late, ws->options.close_ms, 0);
}

/* Sending. */

static size_t queued(const struct websocket *ws)
{
    return ws->filling.len + ws->sending.len;
}

static void on_ws_written(struct http_write *write, int status);

void websocket_fail(struct websocket *ws)
{
    ws->failed = true;
    ws_wake(ws);
}

/* After the last bytes our side ends, and so the client knows that nothing follows. */
static void ws_shut_side(struct websocket *ws)
{
    if (ws->state != WS_SHUT || ws->ended)
        return;
    ws->ended = true;
    ws->socket->transport->kind->shutdown(ws->socket->transport);
}

static void ws_flush(struct websocket *ws)
{
    struct buf sending = ws->filling;

    if (ws->writing || ws->failed || ws->state == WS_OVER)
        return;
    if (ws->filling.len == 0) {
        ws_shut_side(ws);
        return;
    }
    ws->filling = ws->sending;
    ws->sending = sending;
    if (ws->ping_waits)
        ws->heard = uv_now(ws->loop);
    ws->ping_waits = false;
    uv_buf_t part = uv_buf_init(ws->sending.data, (unsigned)ws->sending.len);
    ws->write.done = on_ws_written;
    if (ws->socket->transport->kind->write(ws->socket->transport, &ws->write, &part, 1) != 0) {
        websocket_fail(ws);
        return;
    }
    ws->writing = true;
    ws->handles++;
}

static void ws_call_drained(struct websocket *ws)
{
    if (!ws->full || queued(ws) > WEBSOCKET_FULL / 2)
        return;
    ws->full = false;
    if (ws->events != NULL)
        ws->events->on_drained(ws->options.arg);
}

static void ws_queue(struct websocket *ws, enum websocket_opcode opcode, const char *data, size_t len)
{
    if (websocket_frames_write(&ws->frames, &ws->filling, opcode, data, len) != 0)
        websocket_fail(ws);
}

static void ws_answer_ping(struct websocket *ws)
{
    ws->pong_owed = queued(ws) > WEBSOCKET_FULL;
    if (!ws->pong_owed)
        ws_queue(ws, WEBSOCKET_PONG, ws->ping, ws->ping_len);
}

static void on_ws_written(struct http_write *write, int status)
{
    struct websocket *ws = container_of(write, struct websocket, write);

    ws->writing = false;
    if (ws->sending.cap > KEEP_MAX)
        buf_free(&ws->sending);
    buf_reset(&ws->sending);
    if (ws->state != WS_OVER && status != 0)
        ws_end(ws);
    if (ws->state == WS_OVER) {
        ws_release(ws);
        return;
    }
    if (ws->pong_owed)
        ws_answer_ping(ws);
    if (ws->state != WS_OPEN)
        ws_hurry(ws);
    ws->handles--; /* the timers still count */
    ws_flush(ws);
    ws_call_drained(ws);
}

bool websocket_send(struct websocket *ws, const char *text, size_t len)
{
    ws_queue(ws, WEBSOCKET_TEXT, text, len);
    ws_flush(ws);
    ws->full = queued(ws) > WEBSOCKET_FULL;
    return !ws->full;
}

/* Queues our close frame. */
static void ws_say_close(struct websocket *ws, enum ws_state next, unsigned code, const char *reason)
{
    if (websocket_frames_close(&ws->frames, &ws->filling, code, reason) != 0)
        websocket_fail(ws);
    ws_set_state(ws, next);
    ws_hurry(ws);
    ws_flush(ws);
}

void websocket_close(struct websocket *ws, enum websocket_code code, const char *reason)
{
    ws->events = NULL;
    if (ws->state != WS_OPEN)
        return;
    ws_say_close(ws, WS_CLOSING, code, reason);
    ws_wake(ws);
}

/* Receiving. */

static void ws_take_message(struct websocket *ws)
{
    size_t len;
    char *text = websocket_frames_take(&ws->frames, &len);

    if (text == NULL)
        websocket_fail(ws);
    else if (ws->events == NULL)
        free(text);
    else
        ws->events->on_message(ws->options.arg, text, len);
}

/* The client begins to close, or it answers our own close. */
static void ws_take_close(struct websocket *ws)
{
    if (ws->state == WS_OPEN) {
        ws_say_close(ws, WS_SHUT, ws->frames.code, "");
    } else if (ws->state == WS_CLOSING) {
        ws_set_state(ws, WS_SHUT);
        ws_hurry(ws);
        ws_flush(ws);
    }
    ws->deaf = true;
    ws_tell_gone(ws);
}

static void ws_take_bad(struct websocket *ws)
{
    ws->deaf = true;
    if (ws->events != NULL)
        ws->events->on_bad(ws->options.arg, ws->frames.code, ws->frames.reason);
    if (ws->state == WS_OPEN)
        ws_say_close(ws, WS_SHUT, ws->frames.code, ws->frames.reason);
    ws_tell_gone(ws);
}

static void ws_take(struct websocket *ws, enum websocket_found found)
{
    switch (found) {
    case WEBSOCKET_FOUND_TEXT:
        ws_take_message(ws);
        break;
    case WEBSOCKET_FOUND_PING:
        ws->ping_len = ws->frames.control_len;
        memcpy(ws->ping, ws->frames.control, ws->ping_len);
        if (ws->state == WS_OPEN)
            ws_answer_ping(ws);
        break;
    case WEBSOCKET_FOUND_PONG:
        ws->heard = uv_now(ws->loop);
        break;
    case WEBSOCKET_FOUND_CLOSE:
        ws_take_close(ws);
        break;
    case WEBSOCKET_FOUND_BAD:
        ws_take_bad(ws);
        break;
    case WEBSOCKET_FOUND_NOTHING:
        break;
    }
}

/* Counts what it holds among the bodies. A large message for which there is no room ends the connection. */
static void ws_count(struct websocket *ws)
{
    size_t held = ws->frames.message.cap + ws->filling.cap + ws->sending.cap;

    if (http_claim_set(&ws->claim, held) || ws->frames.message.cap <= SMALL_MAX || ws->deaf)
        return;
    buf_free(&ws->frames.message);
    ws->frames.code = WEBSOCKET_LATER;
    ws->frames.reason = "the server is holding too many messages";
    ws_take_bad(ws);
}

/* Reads while there is something, unless the owner holds it. */
static void ws_read_frames(struct websocket *ws)
{
    enum websocket_found found = WEBSOCKET_FOUND_PONG;

    while (found != WEBSOCKET_FOUND_NOTHING && !ws->failed && !ws->deaf && ws->state != WS_OVER &&
           !(ws->held && ws->state == WS_OPEN)) {
        found = websocket_frames_read(&ws->frames);
        ws_take(ws, found);
    }
    if (ws->deaf)
        ws->frames.len = 0;
}

/* Reads from the socket only if all that came was read. */
static void ws_watch(struct websocket *ws)
{
    struct http_transport *transport = ws->socket->transport;
    bool wanted = ws->frames.len == 0 && !(ws->held && ws->state == WS_OPEN);

    if (wanted && !ws->reading && transport->kind->read_start(transport) != 0)
        websocket_fail(ws);
    else if (!wanted && ws->reading)
        transport->kind->read_stop(transport);
    ws->reading = wanted;
}

static void ws_advance(struct websocket *ws)
{
    if (ws->advancing || ws->state == WS_OVER)
        return;
    ws->advancing = true;
    ws->handles++; /* so that it lives until here */
    ws_read_frames(ws);
    if (ws->state != WS_OVER)
        ws_count(ws);
    ws->advancing = false;
    if (ws->failed)
        ws_end(ws);
    if (ws->state != WS_OVER) {
        ws_watch(ws);
        ws_flush(ws);
    }
    ws_release(ws);
}

static void on_ws_turn(uv_timer_t *timer)
{
    ws_advance(timer->data);
}

static void on_ws_alloc(struct http_transport *transport, uv_buf_t *buf)
{
    struct websocket *ws = transport->user;

    *buf = uv_buf_init(ws->room, sizeof ws->room);
}

static void on_ws_read(struct http_transport *transport, ssize_t n, const char *data)
{
    struct websocket *ws = transport->user;

    if (n < 0) {
        ws_end(ws);
        return;
    }
    buf_free(&ws->early);
    ws->frames.data = data;
    ws->frames.len = (size_t)n;
    ws_advance(ws);
}

void websocket_limit(struct websocket *ws, size_t most)
{
    ws->frames.limit = most < ws->message_max ? most : ws->message_max;
}

bool websocket_is_receiving(const struct websocket *ws)
{
    return ws->frames.kind != 0 || ws->frames.begun;
}

void websocket_hold(struct websocket *ws, bool hold)
{
    if (ws->held == hold)
        return;
    ws->held = hold;
    ws->heard = uv_now(ws->loop);
    ws_wake(ws);
}

/* Signs of life. */

static void on_ws_ping(uv_timer_t *timer)
{
    struct websocket *ws = timer->data;
    uint64_t now = uv_now(ws->loop);

    if (ws->held)
        ws->heard = now;
    if (now - ws->heard >= ws->options.pong_ms) {
        ws_end(ws);
        return;
    }
    if (!ws->ping_waits)
        ws_queue(ws, WEBSOCKET_PING, NULL, 0);
    ws->ping_waits = ws->writing;
    ws_flush(ws);
}

/* The beginning. */

static void on_ws_stop(struct http_socket *socket)
{
    struct websocket *ws = socket->transport->user;
    const struct http_connection *conn = container_of(socket, struct http_connection, socket);

    if (conn->server->state == HTTP_STOPPING)
        ws_end(ws);
    else if (ws->events != NULL)
        ws->events->on_stop(ws->options.arg);
}

static void ws_open(struct websocket *ws, struct http_socket *socket)
{
    ws->socket = socket;
    socket->stop = on_ws_stop;
    socket->transport->user = ws;
    socket->transport->on_alloc = on_ws_alloc;
    socket->transport->on_read = on_ws_read;
    ws_set_state(ws, WS_OPEN);
    ws->heard = uv_now(ws->loop);
    uv_timer_start(&ws->clock, on_ws_ping, ws->options.ping_ms, ws->options.ping_ms);
    ws->events->on_open(ws->options.arg, ws);
}

static void ws_on_opened(void *arg, struct http_socket *socket, const char *early, size_t len)
{
    struct websocket *ws = arg;

    if (socket == NULL) {
        ws_end(ws);
        return;
    }
    ws_open(ws, socket);
    if (len > 0 && buf_append(&ws->early, early, len) != 0)
        websocket_fail(ws);
    ws->frames.data = ws->early.data;
    ws->frames.len = ws->early.len;
    ws_wake(ws);
}

/* NULL: out of memory. */
static struct websocket *ws_new(struct http_exchange *ex, const struct websocket_options *options)
{
    struct websocket *ws = calloc(1, sizeof *ws);

    if (ws == NULL)
        return NULL;
    ws->message_max = ex->connection->server->options.body_max;
    if (websocket_frames_init(&ws->frames, ws->message_max) != 0) {
        websocket_frames_free(&ws->frames);
        free(ws);
        return NULL;
    }
    size_t len;
    free(http_claim_body(ex, &ws->claim, &len));
    ws->options = *options;
    ws->events = options->events;
    ws->loop = ex->connection->server->loop;
    buf_init(&ws->early, HTTP_READ_MAX);
    buf_init(&ws->filling, QUEUE_MAX);
    buf_init(&ws->sending, QUEUE_MAX);
    uv_timer_init(ws->loop, &ws->clock);
    uv_timer_init(ws->loop, &ws->turn);
    ws->clock.data = ws->turn.data = ws;
    ws->handles = 2;
    return ws;
}

/* The handshake. */

bool websocket_accept_key(const char *key, char out[WEBSOCKET_ACCEPT_LEN + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char bytes[18], hash[EVP_MAX_MD_SIZE];
    char text[24 + sizeof guid];
    unsigned len = 0;

    if (strlen(key) != 24 || text_base64_decode(key, 24, bytes) != 16)
        return false;
    memcpy(text, key, 24);
    memcpy(text + 24, guid, sizeof guid);
    if (EVP_Digest(text, sizeof text - 1, hash, &len, EVP_sha1(), NULL) != 1)
        return false;
    EVP_EncodeBlock((unsigned char *)out, hash, (int)len);
    return true;
}

static int refuse(struct http_exchange *ex, int status, const char *sentence)
{
    if (status == 426) {
        http_header_add(ex, "Upgrade", "%s", "websocket");
        http_header_add(ex, "Sec-WebSocket-Version", "%s", VERSION);
    }
    http_respond_error(ex, status, sentence);
    return -1;
}

/* 0, or -1: it was refused. */
static int check_handshake(struct http_exchange *ex, const char *subprotocol)
{
    const char *version = http_header(ex, "Sec-WebSocket-Version"), *key = http_header(ex, "Sec-WebSocket-Key"),
               *offered = http_header(ex, "Sec-WebSocket-Protocol");
    char accept[WEBSOCKET_ACCEPT_LEN + 1], sentence[100];

    if (!http_upgrade_asked(ex, "websocket"))
        return refuse(ex, 426, "This address speaks WebSocket: the request must ask for an upgrade to websocket");
    if (version == NULL || strcmp(version, VERSION) != 0)
        return refuse(ex, 426, "Sec-WebSocket-Version: must be " VERSION);
    if (key == NULL || !websocket_accept_key(key, accept))
        return refuse(ex, 400, "Sec-WebSocket-Key: must be 16 bytes in base64");
    snprintf(sentence, sizeof sentence, "Sec-WebSocket-Protocol: must offer %s", subprotocol);
    if (offered != NULL && !http_list_has(offered, subprotocol))
        return refuse(ex, 400, sentence);
    http_header_add(ex, "Sec-WebSocket-Accept", "%s", accept);
    if (offered != NULL)
        http_header_add(ex, "Sec-WebSocket-Protocol", "%s", subprotocol);
    return 0;
}

int websocket_accept(struct http_exchange *ex, const struct websocket_options *options)
{
    if (check_handshake(ex, options->subprotocol) != 0)
        return -1;
    struct websocket *ws = ws_new(ex, options);
    if (ws != NULL && http_upgrade(ex, "websocket", ws_on_opened, ws) == 0)
        return 0;
    if (ws != NULL) {
        ws->events = NULL;
        ws_end(ws);
    }
    return refuse(ex, 503, "Out of memory. Please try again later.");
}
