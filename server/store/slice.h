/* A slice of long work: it ends when its time is over. What loops over rows asks after each portion, so that at least
 * one is done; a portion must be small. */
#ifndef CODECELL_STORE_SLICE_H
#define CODECELL_STORE_SLICE_H

#include "base/seam.h"

#include <stdbool.h>

struct slice {
    uint64_t end_ns; /* monotonic */
};

static inline struct slice slice_begin(uint64_t ns)
{
    return (struct slice){.end_ns = seam()->monotonic_ns() + ns};
}

static inline bool slice_over(const struct slice *slice)
{
    return seam()->monotonic_ns() >= slice->end_ns;
}

#endif
