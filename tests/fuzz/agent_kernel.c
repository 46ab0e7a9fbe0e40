/* What a driver writes to its channel: messages are relayed whole, up to the limit, and END ends them. */
#include "docker/agent/kernel.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NUMBER 7

static const uint8_t run[FRAME_MESSAGE_RUN_HEAD] = {FRAME_MESSAGE_RUN, 0, 0, 0, 4, 0, 0, 0, NUMBER};

/* The messages that are relayed: each is whole, except that the last may have been cut by a break. */
static void check_relayed(const uint8_t *data, size_t len)
{
    struct frame_message message;
    while (len >= FRAME_MESSAGE_HEAD) {
        if (!frame_message_get(data, &message) || message.kind == FRAME_MESSAGE_END)
            abort();
        if (message.length > len - FRAME_MESSAGE_HEAD)
            return;
        data += FRAME_MESSAGE_HEAD + message.length;
        len -= FRAME_MESSAGE_HEAD + message.length;
    }
    if (len != 0)
        abort();
}

/* The first byte says how large the pieces are in which the rest comes; the second, how much may be relayed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kernel kernel;
    if (size < 2)
        return 0;
    uint8_t *all = malloc(size + FRAME_MESSAGE_HEAD);
    size_t piece = 1 + data[0], most = (size_t)16 * data[1], len = 0, before;
    memset(&kernel, 0, sizeof kernel);
    kernel.state = KERNEL_RUNNING;
    kernel.pid = 1;
    kernel.report_left = most;
    memcpy(kernel.run, run, sizeof run);
    kernel.run_sent = sizeof run;
    for (size_t at = 2; at < size && !kernel.broken; at += piece) {
        size_t part = size - at < piece ? size - at : piece;
        bool ended = kernel.ended;
        uint8_t *room = malloc(part + FRAME_MESSAGE_HEAD);
        before = kernel_take(&kernel, data + at, part, room);
        if (before > part + FRAME_MESSAGE_HEAD || len + before > size || (ended && before > 0))
            abort();
        memcpy(all + len, room, before);
        len += before;
        free(room);
    }
    if (len > most || kernel.exit_code > 255 || (kernel_stays(&kernel) != (kernel.ended && !kernel.broken)))
        abort();
    check_relayed(all, len);
    free(all);
    return 0;
}
