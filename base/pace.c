#include "base/pace.h"

#include "base/seam.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic uint64_t shared_until_ns;

static _Thread_local struct {
    bool works;
    uint64_t rest_ns; /* the next rest is due then */
} work;

void pace_share(uint64_t until_ns)
{
    if (until_ns > atomic_load_explicit(&shared_until_ns, memory_order_relaxed))
        atomic_store_explicit(&shared_until_ns, until_ns, memory_order_relaxed);
}

bool pace_is_shared(uint64_t now_ns)
{
    return now_ns < atomic_load_explicit(&shared_until_ns, memory_order_relaxed);
}

void pace_begin(void)
{
    work.works = true;
    work.rest_ns = seam()->monotonic_ns() + PACE_FREE_NS;
}

void pace_end(void)
{
    work.works = false;
}

void pace_step(void)
{
    static const struct timespec rest = {.tv_nsec = PACE_REST_NS};
    uint64_t now = work.works ? seam()->monotonic_ns() : 0;

    if (now < work.rest_ns || !work.works)
        return;
    if (pace_is_shared(now))
        (void)nanosleep(&rest, NULL); /* a signal may end it early */
    work.rest_ns = seam()->monotonic_ns() + PACE_WORK_NS;
}
