/* The frames of a WebSocket: the same bytes in one piece and in many say the same, and what is said keeps the rules. */
#include "base/buf.h"
#include "base/text.h"
#include "http/websocket_frames.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT 300

static void check_close(const struct websocket_frames *frames)
{
    unsigned code = frames->code;

    if (code != WEBSOCKET_NO_CODE && (code < 1000 || code > 4999))
        abort();
}

static void note_message(struct websocket_frames *frames, struct buf *said)
{
    size_t len;
    char *text = websocket_frames_take(frames, &len);

    if (text == NULL || len > LIMIT || text[len] != '\0' || !text_is_utf8(text, len))
        abort();
    buf_printf(said, "text %zu ", len);
    buf_append(said, text, len);
    free(text);
}

static void note_control(const struct websocket_frames *frames, const char *name, struct buf *said)
{
    if (frames->control_len > WEBSOCKET_CONTROL_MAX)
        abort();
    buf_printf(said, "%s %zu ", name, frames->control_len);
    buf_append(said, frames->control, frames->control_len);
}

/* False: nothing more can be read. */
static bool note(struct websocket_frames *frames, enum websocket_found found, struct buf *said)
{
    if (found == WEBSOCKET_FOUND_TEXT)
        note_message(frames, said);
    else if (found == WEBSOCKET_FOUND_PING || found == WEBSOCKET_FOUND_PONG)
        note_control(frames, found == WEBSOCKET_FOUND_PING ? "ping" : "pong", said);
    else if (found == WEBSOCKET_FOUND_CLOSE)
        check_close(frames), buf_printf(said, "close %u ", frames->code);
    else if (found == WEBSOCKET_FOUND_BAD)
        buf_printf(said, "bad %u %s", frames->code, frames->reason);
    return found != WEBSOCKET_FOUND_BAD;
}

static void say(const uint8_t *data, size_t size, size_t piece, struct buf *said)
{
    struct websocket_frames frames;
    bool fine = true;

    buf_init(said, (1u << 20) + 64 * size);
    if (websocket_frames_init(&frames, LIMIT) != 0)
        abort();
    for (size_t at = 0; fine && at < size; at += piece) {
        enum websocket_found found = WEBSOCKET_FOUND_PING;
        frames.data = (const char *)data + at;
        frames.len = size - at < piece ? size - at : piece;
        while (fine && found != WEBSOCKET_FOUND_NOTHING) {
            found = websocket_frames_read(&frames);
            fine = note(&frames, found, said);
        }
        if (fine && frames.len > 0)
            abort();
    }
    websocket_frames_free(&frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, parts;

    say(data, size, size, &whole);
    say(data, size, size > 0 ? 1 + data[0] % 7u : 1, &parts);
    if (whole.len != parts.len || (whole.len > 0 && memcmp(whole.data, parts.data, whole.len) != 0))
        abort();
    buf_free(&whole);
    buf_free(&parts);
    return 0;
}
