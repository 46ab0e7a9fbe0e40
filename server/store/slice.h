/* A slice of long work, which ends when its time is over. A loop over rows asks slice_over() after each portion, so
 * that a slice does at least one portion. A portion should be small. */
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
