#include "http/websocket_frames.h"

#include "base/text.h"

#include <string.h>
#include <wslay/wslay.h>

/* The library. */

static ssize_t on_wanted(uint8_t *into, size_t len, int flags, void *user)
{
    struct websocket_frames *frames = user;
    size_t part = len < frames->len ? len : frames->len;

    (void)flags;
    if (part == 0)
        return -1; /* which becomes WSLAY_ERR_WANT_READ */
    memcpy(into, frames->data, part);
    frames->data += part;
    frames->len -= part;
    return (ssize_t)part;
}

static ssize_t on_made(const uint8_t *data, size_t len, int flags, void *user)
{
    struct websocket_frames *frames = user;

    (void)flags;
    return buf_append(frames->out, data, len) == 0 ? (ssize_t)len : -1;
}

int websocket_frames_init(struct websocket_frames *frames, size_t most)
{
    static const struct wslay_frame_callbacks callbacks = {.recv_callback = on_wanted, .send_callback = on_made};

    *frames = (struct websocket_frames){.limit = most};
    buf_init(&frames->message, most + 1); /* and its NUL */
    return wslay_frame_context_init(&frames->library, &callbacks, frames) == 0 ? 0 : -1;
}

void websocket_frames_free(struct websocket_frames *frames)
{
    if (frames->library != NULL)
        wslay_frame_context_free(frames->library);
    frames->library = NULL;
    buf_free(&frames->message);
}

/* Reading. */

static enum websocket_found bad(struct websocket_frames *frames, enum websocket_code code, const char *reason)
{
    frames->code = code;
    frames->reason = reason;
    buf_free(&frames->message);
    return WEBSOCKET_FOUND_BAD;
}

static bool is_control(uint8_t opcode)
{
    return (opcode & 8) != 0;
}

static bool is_known(uint8_t opcode)
{
    return opcode <= WEBSOCKET_BINARY || (opcode >= WEBSOCKET_CLOSE && opcode <= WEBSOCKET_PONG);
}

/* NULL, or what is wrong with the head of a frame. */
static const char *wrong_with(const struct websocket_frames *frames, const struct wslay_frame_iocb *piece)
{
    if (piece->rsv != 0)
        return "a reserved bit is set";
    if (!is_known(piece->opcode))
        return "unknown opcode";
    if (!piece->mask)
        return "the frame is not masked";
    if (piece->opcode == WEBSOCKET_CONTINUATION && frames->kind == 0)
        return "a fragment without a beginning";
    if (!is_control(piece->opcode) && piece->opcode != WEBSOCKET_CONTINUATION && frames->kind != 0)
        return "a message begins within another";
    return NULL;
}

/* The head of a frame has come. NOTHING: it is fine. */
static enum websocket_found begin_frame(struct websocket_frames *frames, const struct wslay_frame_iocb *piece)
{
    const char *wrong = wrong_with(frames, piece);

    if (wrong != NULL)
        return bad(frames, WEBSOCKET_PROTOCOL, wrong);
    if (piece->opcode == WEBSOCKET_BINARY)
        return bad(frames, WEBSOCKET_DATA_TYPE, "messages are text");
    if (!is_control(piece->opcode) &&
        (frames->message.len > frames->limit || piece->payload_length > frames->limit - frames->message.len))
        return bad(frames, WEBSOCKET_TOO_LARGE, "the message is too large");
    if (piece->opcode == WEBSOCKET_TEXT)
        frames->kind = WEBSOCKET_TEXT;
    frames->begun = true;
    frames->frame_left = piece->payload_length;
    if (is_control(piece->opcode))
        frames->control_len = 0;
    return WEBSOCKET_FOUND_NOTHING;
}

/* Those that RFC 6455, section 7.4, allows in a frame. */
static bool is_code(unsigned code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static enum websocket_found end_close(struct websocket_frames *frames)
{
    const unsigned char *bytes = (const unsigned char *)frames->control;
    size_t len = frames->control_len;

    frames->code = WEBSOCKET_NO_CODE;
    if (len == 0)
        return WEBSOCKET_FOUND_CLOSE;
    unsigned code = len < 2 ? 0 : (unsigned)bytes[0] << 8 | bytes[1];
    if (!is_code(code))
        return bad(frames, WEBSOCKET_PROTOCOL, "a close code that is none");
    if (!text_is_utf8(frames->control + 2, len - 2))
        return bad(frames, WEBSOCKET_NOT_UTF8, "the reason is not UTF-8");
    frames->code = (enum websocket_code)code;
    return WEBSOCKET_FOUND_CLOSE;
}

static enum websocket_found end_frame(struct websocket_frames *frames, const struct wslay_frame_iocb *piece)
{
    frames->begun = false;
    if (piece->opcode == WEBSOCKET_PING)
        return WEBSOCKET_FOUND_PING;
    if (piece->opcode == WEBSOCKET_PONG)
        return WEBSOCKET_FOUND_PONG;
    if (piece->opcode == WEBSOCKET_CLOSE)
        return end_close(frames);
    if (!piece->fin)
        return WEBSOCKET_FOUND_NOTHING;
    frames->kind = 0;
    if (!text_is_utf8(frames->message.data != NULL ? frames->message.data : "", frames->message.len))
        return bad(frames, WEBSOCKET_NOT_UTF8, "the message is not UTF-8");
    return WEBSOCKET_FOUND_TEXT;
}

/* The library checks that a control frame has at most 125 bytes. */
static int keep(struct websocket_frames *frames, const struct wslay_frame_iocb *piece)
{
    if (!is_control(piece->opcode))
        return buf_append(&frames->message, piece->data, piece->data_length);
    memcpy(frames->control + frames->control_len, piece->data, piece->data_length);
    frames->control_len += piece->data_length;
    return 0;
}

static enum websocket_found take_piece(struct websocket_frames *frames, const struct wslay_frame_iocb *piece)
{
    if (!frames->begun) {
        enum websocket_found found = begin_frame(frames, piece);
        if (found != WEBSOCKET_FOUND_NOTHING)
            return found;
    }
    if (piece->data_length > 0 && keep(frames, piece) != 0)
        return bad(frames, WEBSOCKET_INTERNAL, "out of memory");
    frames->frame_left -= piece->data_length;
    return frames->frame_left == 0 ? end_frame(frames, piece) : WEBSOCKET_FOUND_NOTHING;
}

enum websocket_found websocket_frames_read(struct websocket_frames *frames)
{
    enum websocket_found found = WEBSOCKET_FOUND_NOTHING;

    while (found == WEBSOCKET_FOUND_NOTHING) {
        struct wslay_frame_iocb piece = {0};
        ssize_t n = wslay_frame_recv(frames->library, &piece);
        if (n == WSLAY_ERR_WANT_READ)
            return found;
        found = n < 0 ? bad(frames, WEBSOCKET_PROTOCOL, "the frame is malformed") : take_piece(frames, &piece);
    }
    return found;
}

char *websocket_frames_take(struct websocket_frames *frames, size_t *len)
{
    *len = 0;
    return buf_detach(&frames->message, len);
}

/* Writing. */

int websocket_frames_write(struct websocket_frames *frames, struct buf *out, enum websocket_opcode opcode,
                           const char *data, size_t len)
{
    struct wslay_frame_iocb frame = {
        .fin = 1, .opcode = (uint8_t)opcode, .payload_length = len, .data = (const uint8_t *)data, .data_length = len};

    frames->out = out;
    ssize_t n = wslay_frame_send(frames->library, &frame);
    frames->out = NULL;
    return n == (ssize_t)len ? 0 : -1;
}

int websocket_frames_close(struct websocket_frames *frames, struct buf *out, unsigned code, const char *reason)
{
    char payload[WEBSOCKET_CONTROL_MAX + 1] = {(char)(code >> 8), (char)(code & 255)};

    if (code == WEBSOCKET_NO_CODE)
        return websocket_frames_write(frames, out, WEBSOCKET_CLOSE, NULL, 0);
    text_copy(payload + 2, sizeof payload - 2, reason);
    return websocket_frames_write(frames, out, WEBSOCKET_CLOSE, payload, 2 + strlen(payload + 2));
}
