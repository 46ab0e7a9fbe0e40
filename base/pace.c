#include "base/pace.h"

#include "base/seam.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define SECOND_NS UINT64_C(1000000000)

static _Atomic uint64_t shared_until_ns;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static unsigned places = 4; /* of threads that may begin to work */
static uint64_t next_ns;    /* when the next turn of long work may begin */

static _Thread_local struct {
    bool works;
    uint64_t rest_ns; /* the next rest is due then */
    size_t bytes;     /* since the last step */
} work;

void pace_setup(unsigned workers)
{
    places = workers;
}

void pace_share(uint64_t until_ns)
{
    if (until_ns > atomic_load_explicit(&shared_until_ns, memory_order_relaxed))
        atomic_store_explicit(&shared_until_ns, until_ns, memory_order_relaxed);
}

bool pace_is_shared(uint64_t now_ns)
{
    return now_ns < atomic_load_explicit(&shared_until_ns, memory_order_relaxed);
}

static void take_place(void)
{
    pthread_mutex_lock(&mutex);
    while (places == 0)
        pthread_cond_wait(&left, &mutex);
    places--;
    pthread_mutex_unlock(&mutex);
}

static void leave_place(void)
{
    pthread_mutex_lock(&mutex);
    places++;
    pthread_cond_signal(&left);
    pthread_mutex_unlock(&mutex);
}

/* When this thread's next turn begins. */
static uint64_t take_turn(uint64_t now)
{
    pthread_mutex_lock(&mutex);
    uint64_t begin = now + PACE_REST_NS > next_ns ? now + PACE_REST_NS : next_ns;
    next_ns = begin + PACE_WORK_NS + PACE_REST_NS;
    pthread_mutex_unlock(&mutex);
    return begin;
}

static void rest_until(uint64_t now, uint64_t begin)
{
    struct timespec rest = {.tv_sec = (time_t)((begin - now) / SECOND_NS),
                            .tv_nsec = (long)((begin - now) % SECOND_NS)};

    (void)nanosleep(&rest, NULL); /* a signal may end it early */
}

void pace_begin(void)
{
    take_place();
    work.works = true;
    work.rest_ns = seam()->monotonic_ns() + PACE_FREE_NS;
    work.bytes = 0;
}

void pace_end(void)
{
    work.works = false;
    leave_place();
}

void pace_step(void)
{
    uint64_t now = work.works ? seam()->monotonic_ns() : 0;

    if (!work.works || now < work.rest_ns)
        return;
    if (pace_is_shared(now)) {
        leave_place();
        rest_until(now, take_turn(now));
        take_place();
    }
    work.rest_ns = seam()->monotonic_ns() + PACE_WORK_NS;
}

void pace_bytes(size_t bytes)
{
    if (!work.works)
        return;
    work.bytes += bytes;
    if (work.bytes < PACE_BYTES)
        return;
    work.bytes = 0;
    pace_step();
}
