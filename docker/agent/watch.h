/* Whether a step holds more memory than it may, and the most that it held. What counts is anonymous memory and memory
 * that is shared outside of /tmp: memfds, SysV segments, /dev/shm. Files in /tmp have a limit of their own, and the
 * page cache does not count. The kernel cannot limit this sum, so the agent measures it, as seldom as it can: the next
 * measurement is due when a step that grows as fast as memory can be filled would reach its limit. A step far from its
 * limit is measured seldom, and a short step never. */
#ifndef CODECELL_AGENT_WATCH_H
#define CODECELL_AGENT_WATCH_H

#include "docker/agent/cgroup.h"

#include <stdbool.h>
#include <stdint.h>

#define WATCH_SPEED 16u /* bytes per nanosecond: faster than memory can be filled */
/* The time from the moment at which a step could have reached its limit to its measurement: at most WATCH_LATE_NS, and
 * down to WATCH_SOON_NS if the step grows so fast that it will. With the kill's own time, both stay below 10 ms. */
#define WATCH_LATE_NS 4000000u
#define WATCH_SOON_NS 1000000u

struct watch {
    uint64_t limit; /* bytes that the step may hold; 0: unlimited */
    uint64_t due;   /* system_clock() of the next measurement; UINT64_MAX: there is none */
    uint64_t at;    /* system_clock() of the last measurement, or of the start */
    uint64_t held;  /* of the last measurement */
    uint64_t rest;  /* of the last measurement */
    uint64_t mark;  /* of the last measurement, or at the start */
    uint64_t most;  /* the most that the step is known to have held */
    uint64_t files; /* the most of `files` of all measurements */
    bool seen;      /* there was a measurement */
    bool marked;    /* the high-water mark has risen since the start, so this step has set it */
};

/* One measurement. */
struct watch_sight {
    uint64_t at;    /* system_clock() */
    uint64_t held;  /* bytes of the step that count */
    uint64_t rest;  /* bytes of the cgroup that do not count: /tmp, page cache, the kernel, the agent */
    uint64_t mark;  /* the cgroup's high-water mark, in bytes; 0: unknown */
    uint64_t files; /* bytes of files that the step's first process has mapped */
};

/* How many bytes over the limit are allowed: half of what docs/api.md allows, because the kernel's counters lag. */
uint64_t watch_allowance(uint64_t limit);

/* A step begins at `now`. `mark`: the cgroup's high-water mark before its first process started. */
void watch_begin(struct watch *watch, uint64_t limit, uint64_t mark, uint64_t now);

/* Takes in one measurement, and sets `due`. True: the step is over its limit. */
bool watch_take(struct watch *watch, const struct watch_sight *sight);

/* The most bytes that the step held. `rss`: the resident size of its largest process, which includes file pages. It
 * counts only if an earlier step of the container has set the high-water mark; then the files that were measured are
 * taken off. */
uint64_t watch_peak(const struct watch *watch, uint64_t rss);

/* Measures. `first`: the step's first process. False: the kernel does not have the figures. */
bool watch_see(const struct cgroup *cgroup, int first, struct watch_sight *sight);

/* A cheaper measurement for the end of a step, when none of its processes is left. */
bool watch_see_end(const struct cgroup *cgroup, struct watch_sight *sight);

#endif
