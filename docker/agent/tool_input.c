#include "docker/agent/tool_input.h"

#include <errno.h>
#include <unistd.h>

#define ROOM 131072u

static struct input {
    struct entry_reader reader;
    const uint8_t *at;
    size_t len;
    uint8_t bytes[ROOM];
} input;

/* False: there are no more bytes. */
static bool refill(void)
{
    ssize_t n;
    do
        n = read(STDIN_FILENO, input.bytes, ROOM);
    while (n < 0 && errno == EINTR);
    input.at = input.bytes;
    input.len = n > 0 ? (size_t)n : 0;
    return n > 0;
}

enum entry_event tool_input_next(struct entry_piece *piece)
{
    enum entry_event event;
    if (!input.at)
        input.at = input.bytes;
    do
        event = entry_read(&input.reader, &input.at, &input.len, piece);
    while (event == ENTRY_MORE && refill());
    if (event == ENTRY_MORE || (event == ENTRY_STREAM_END && (input.len > 0 || refill())))
        return ENTRY_BROKEN;
    return event;
}
