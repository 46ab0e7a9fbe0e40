#include "process.h"

#include "base/pace.h"
#include "base/worker.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

static const char group_nice[] = "-15"; /* 28 times the weight of 0 (sched_prio_to_weight in kernel/sched/core.c) */

void process_raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void raise_group(void)
{
    int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    ssize_t written = write(fd, group_nice, sizeof group_nice - 1);
    (void)written;
    close(fd);
}

/* Threads and processes that the loop's thread starts are not real-time ones. Whoever started the server with another
 * policy or a lower priority keeps that. */
static void raise_loop(void)
{
    const struct sched_param first = {.sched_priority = 1};

    if (sched_getscheduler(0) == SCHED_OTHER && getpriority(PRIO_PROCESS, 0) <= 0)
        (void)sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first);
}

void process_raise_weight(void)
{
    if (getsid(0) != getpid()) /* others are in the session, too */
        return;
    raise_group();
    raise_loop();
}

void process_limit_workers(void)
{
    unsigned half = uv_available_parallelism() / 2;

    pace_setup(half < 1 ? 1 : half < WORKER_THREADS ? half : WORKER_THREADS);
}
