#include "base/seam.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t system_monotonic(void)
{
    return (uint64_t)clock_ns(CLOCK_MONOTONIC);
}

static int64_t system_wall(void)
{
    return clock_ns(CLOCK_REALTIME);
}

static void system_random(void *out, size_t len)
{
    char *at = out;

    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno != EINTR)
            abort(); /* a key made of bytes that are not random would be worse */
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
}

const struct seam seam_system = {
    .monotonic_ns = system_monotonic,
    .wall_ns = system_wall,
    .random = system_random,
};

static const struct seam *current = &seam_system;

const struct seam *seam(void)
{
    return current;
}

void seam_set(const struct seam *other)
{
    current = other;
}
