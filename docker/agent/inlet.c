#include "docker/agent/inlet.h"

#include <errno.h>
#include <unistd.h>

bool inlet_full(const struct inlet *inlet)
{
    return inlet->end - inlet->start == INLET_MAX;
}

static void inlet_make_room(struct inlet *inlet)
{
    if (inlet->start == 0)
        return;
    memmove(inlet->data, inlet->data + inlet->start, inlet->end - inlet->start);
    inlet->end -= inlet->start;
    inlet->start = 0;
}

int inlet_read(struct inlet *inlet, int fd)
{
    inlet_make_room(inlet);
    if (inlet->end == INLET_MAX)
        return 0;
    ssize_t n = read(fd, inlet->data + inlet->end, INLET_MAX - inlet->end);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0)
        return -1;
    inlet->end += (size_t)n;
    return 0;
}

int inlet_peek(const struct inlet *inlet, struct frame *out)
{
    long n = frame_read(inlet->data + inlet->start, inlet->end - inlet->start, out);
    return n > 0 ? 1 : (int)n;
}

void inlet_take(struct inlet *inlet, const struct frame *frame)
{
    inlet->start += FRAME_HEADER + frame->length;
}

void inlet_clear(struct inlet *inlet)
{
    inlet->start = inlet->end = 0;
}
