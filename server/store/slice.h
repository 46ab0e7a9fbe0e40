/* A slice of long work. It ends when its time is over; if a short job waits, it ends after SLICE_LEAST_NS. A loop over
 * rows asks slice_over() after each portion, so that a slice does at least one portion. A portion should be small. */
#ifndef CODECELL_STORE_SLICE_H
#define CODECELL_STORE_SLICE_H

#include "base/seam.h"

#include <stdatomic.h>
#include <stdbool.h>

#define SLICE_LEAST_NS UINT64_C(200000)

struct slice {
    uint64_t least_ns, end_ns; /* monotonic */
    const atomic_bool *wanted; /* whether a short job waits */
};

/* `wanted` may be NULL. */
static inline struct slice slice_begin(uint64_t ns, const atomic_bool *wanted)
{
    uint64_t now = seam()->monotonic_ns();

    return (struct slice){.least_ns = now + SLICE_LEAST_NS, .end_ns = now + ns, .wanted = wanted};
}

static inline bool slice_over(const struct slice *slice)
{
    uint64_t now = seam()->monotonic_ns();

    return now >= slice->end_ns || (now >= slice->least_ns && slice->wanted != NULL && atomic_load(slice->wanted));
}

#endif
