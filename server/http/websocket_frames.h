/* The frames of a WebSocket (RFC 6455), as a server reads and writes them: bytes become messages, and messages become
 * bytes. The library wslay reads and writes single frames. This file makes messages of them, and checks what only a
 * server or a message shows: masks, reserved bits, the order of fragments, sizes, UTF-8. No I/O. */
#ifndef CODECELL_HTTP_WEBSOCKET_FRAMES_H
#define CODECELL_HTTP_WEBSOCKET_FRAMES_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wslay_frame_context;

enum websocket_code { /* of a close frame */
                      WEBSOCKET_NORMAL = 1000,
                      WEBSOCKET_GOING_AWAY = 1001,
                      WEBSOCKET_PROTOCOL = 1002,
                      WEBSOCKET_DATA_TYPE = 1003,
                      WEBSOCKET_NO_CODE = 1005, /* never sent: the frame has none */
                      WEBSOCKET_NOT_UTF8 = 1007,
                      WEBSOCKET_RULES = 1008,
                      WEBSOCKET_TOO_LARGE = 1009,
                      WEBSOCKET_INTERNAL = 1011,
                      WEBSOCKET_LATER = 1013,
};

enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0,
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10,
};

#define WEBSOCKET_CONTROL_MAX 125 /* bytes in a control frame */

enum websocket_found {
    WEBSOCKET_FOUND_NOTHING, /* all bytes were read */
    WEBSOCKET_FOUND_TEXT,    /* a message: websocket_frames_take() */
    WEBSOCKET_FOUND_PING,    /* `control` */
    WEBSOCKET_FOUND_PONG,
    WEBSOCKET_FOUND_CLOSE, /* `code`, which may be WEBSOCKET_NO_CODE */
    WEBSOCKET_FOUND_BAD,   /* `code` and `reason` say why; nothing more can be read */
};

struct websocket_frames {
    struct wslay_frame_context *library;
    const char *data; /* what has yet to be read; set by the owner */
    size_t len;
    size_t limit;        /* bytes of a message; the owner may change it between messages */
    struct buf message;  /* the fragments so far */
    uint8_t kind;        /* TEXT or BINARY: a message has begun; else 0 */
    bool begun;          /* a frame has */
    uint64_t frame_left; /* its bytes that have yet to come */
    char control[WEBSOCKET_CONTROL_MAX];
    size_t control_len;
    enum websocket_code code;
    const char *reason; /* static */
    struct buf *out;    /* while a frame is written */
};

/* `most`: the most that `limit` will be. 0, or -1: out of memory. */
int websocket_frames_init(struct websocket_frames *frames, size_t most);
void websocket_frames_free(struct websocket_frames *frames);

/* Reads up to the end of the next message or control frame. */
enum websocket_found websocket_frames_read(struct websocket_frames *frames);

/* Takes the message out: free() it. NULL: out of memory. */
char *websocket_frames_take(struct websocket_frames *frames, size_t *len);

/* Appends a frame with a whole message. 0, or -1: out of memory. */
int websocket_frames_write(struct websocket_frames *frames, struct buf *out, enum websocket_opcode opcode,
                           const char *data, size_t len);

/* Appends a close frame. `reason` is at most 123 bytes long. NO_CODE: without a code. */
int websocket_frames_close(struct websocket_frames *frames, struct buf *out, unsigned code, const char *reason);

#endif
