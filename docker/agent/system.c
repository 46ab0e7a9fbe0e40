#include "docker/agent/system.h"

#include <time.h>
#include <unistd.h>

noreturn void system_end(void)
{
    _exit(1);
}

long system_must(long returned)
{
    if (returned < 0)
        system_end();
    return returned;
}

uint64_t system_clock(void)
{
    struct timespec now;
    system_must(clock_gettime(CLOCK_MONOTONIC, &now));
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
