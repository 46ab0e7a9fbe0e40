#include "docker/agent/outlet.h"

#include "docker/agent/system.h"

#include <errno.h>
#include <unistd.h>

static size_t outlet_queued(const struct outlet *outlet)
{
    return outlet->end - outlet->start;
}

bool outlet_empty(const struct outlet *outlet)
{
    return outlet_queued(outlet) == 0;
}

bool outlet_has_room(const struct outlet *outlet)
{
    return OUTLET_MAX - outlet_queued(outlet) >= FRAME_HEADER + OUTLET_PART + OUTLET_RESERVE;
}

/* Moves the queued bytes to the front if there is no room for `len` bytes after them. */
static void outlet_make_room(struct outlet *outlet, size_t len)
{
    if (OUTLET_MAX - outlet->end >= len)
        return;
    memmove(outlet->data, outlet->data + outlet->start, outlet_queued(outlet));
    outlet->end -= outlet->start;
    outlet->start = 0;
}

uint8_t *outlet_room(struct outlet *outlet)
{
    if (!outlet_has_room(outlet))
        return NULL;
    outlet_make_room(outlet, FRAME_HEADER + OUTLET_PART);
    return outlet->data + outlet->end + FRAME_HEADER;
}

void outlet_output(struct outlet *outlet, enum frame_step step, enum frame_channel channel, size_t len)
{
    if (outlet_empty(outlet))
        outlet->since = system_clock();
    frame_header(outlet->data + outlet->end, FRAME_OUTPUT, (uint8_t)step, (uint8_t)channel, (uint32_t)len);
    outlet->end += FRAME_HEADER + len;
    outlet->urgent |= outlet_queued(outlet) > OUTLET_LITTLE;
}

void outlet_put(struct outlet *outlet, enum frame_type type, uint8_t step, const void *payload, size_t len)
{
    outlet_make_room(outlet, FRAME_HEADER + len);
    if (OUTLET_MAX - outlet->end < FRAME_HEADER + len)
        system_end();
    frame_header(outlet->data + outlet->end, (uint8_t)type, step, 0, (uint32_t)len);
    if (len > 0)
        memcpy(outlet->data + outlet->end + FRAME_HEADER, payload, len);
    outlet->end += FRAME_HEADER + len;
    outlet->urgent = true;
}

void outlet_failed(struct outlet *outlet, enum frame_failure failure, int error)
{
    uint8_t payload[FRAME_FAILED_SIZE];
    frame_failed_put(payload, &(struct frame_failed){.failure = failure, .error = (uint32_t)error});
    outlet_put(outlet, FRAME_FAILED, 0, payload, sizeof payload);
}

uint64_t outlet_patience(const struct outlet *outlet)
{
    if (outlet_empty(outlet))
        return UINT64_MAX;
    uint64_t waited = system_clock() - outlet->since;
    return outlet->urgent || waited >= OUTLET_LINGER_NS ? 0 : OUTLET_LINGER_NS - waited;
}

int outlet_flush(struct outlet *outlet, int fd)
{
    if (outlet_patience(outlet) > 0)
        return 0;
    outlet->urgent = true; /* the rest should go out as soon as the descriptor takes it */
    while (!outlet_empty(outlet)) {
        ssize_t n = write(fd, outlet->data + outlet->start, outlet_queued(outlet));
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        outlet->start += (size_t)n;
    }
    outlet->start = outlet->end = 0;
    outlet->urgent = false;
    return 0;
}
