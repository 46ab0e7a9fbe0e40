/* The seam between the service and what changes by itself: clocks and random bytes. Policies take
 * `now` as an argument; what drives them asks here, so that a test can put its own in place. */
#ifndef CODECELL_BASE_SEAM_H
#define CODECELL_BASE_SEAM_H

#include <stddef.h>
#include <stdint.h>

struct seam {
    uint64_t (*monotonic_ns)(void); /* never goes back; for durations and deadlines */
    int64_t (*wall_ns)(void);       /* Unix time; for records and rates */
    void (*random)(void *out, size_t len);
};

extern const struct seam seam_system; /* the real ones; getrandom(2) for random, which never fails here */

/* The seam in force, seam_system unless a test has set another. */
const struct seam *seam(void);
void seam_set(const struct seam *other);

static inline int64_t seam_wall_ms(void)
{
    return seam()->wall_ns() / 1000000;
}

#endif
