#include "process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#define WORKERS_MAX 4u /* as many as libuv makes by itself */

static const char group_nice[] = "-15"; /* 28 times the weight of 0 (sched_prio_to_weight in kernel/sched/core.c) */

void process_raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void process_raise_weight(void)
{
    if (getsid(0) != getpid()) /* others are in the session, too */
        return;
    int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t written = write(fd, group_nice, sizeof group_nice - 1);
    (void)written;
    close(fd);
}

void process_limit_workers(void)
{
    unsigned half = uv_available_parallelism() / 2;
    char size[16];

    snprintf(size, sizeof size, "%u", half < 1 ? 1 : half < WORKERS_MAX ? half : WORKERS_MAX);
    setenv("UV_THREADPOOL_SIZE", size, 0);
}
