/* Whether a step holds more memory than it may, and how much it held at most. What counts is what its processes have
 * of their own and what they share outside of /tmp: anonymous pages, memfds, SysV segments, /dev/shm. Files in /tmp
 * have a limit of their own, and the page cache is nobody's. The kernel cannot limit that sum, so the agent looks: as
 * late as a step that starts to grow as fast as any can will still be seen in time. One that is far from its limit is
 * looked at seldom, and one that ends soon never. */
#ifndef CODECELL_AGENT_WATCH_H
#define CODECELL_AGENT_WATCH_H

#include "docker/agent/cgroup.h"

#include <stdbool.h>
#include <stdint.h>

/* Faster than memory can be filled: bytes per nanosecond. */
#define WATCH_SPEED 16u
/* From the moment at which a step could be over its limit to the look at it, at most; and at least, for one that grows
 * so that it will be over soon. With what a kill takes they stay below 10 ms. */
#define WATCH_LATE_NS 4000000u
#define WATCH_SOON_NS 1000000u

struct watch {
    uint64_t limit; /* bytes that the step may hold; 0: any number */
    uint64_t due;   /* system_clock() of the next look; UINT64_MAX: there is none */
    uint64_t at;    /* of the last one, or of the start */
    uint64_t held;  /* what that saw */
    uint64_t rest;  /* and what the cgroup held beside it: /tmp, page cache, the kernel's own */
    uint64_t mark;  /* and the cgroup's high-water mark */
    uint64_t most;  /* the most that is known to have been held */
    bool seen;      /* there was a look */
    bool marked;    /* the high-water mark has moved since the start, so it has told about this step */
};

/* What one look sees. */
struct watch_sight {
    uint64_t at;
    uint64_t held;
    uint64_t rest;
    uint64_t mark; /* 0: not known */
};

/* Bytes past the limit from which on it strikes: half of what docs/api.md grants, for the kernel's counters lag. */
uint64_t watch_allowance(uint64_t limit);

/* A step begins now; `mark` is the high-water mark before anything that belongs to it. */
void watch_begin(struct watch *watch, uint64_t limit, uint64_t mark, uint64_t now);

/* Takes a sight, and says when to look again. True: it is over the limit. */
bool watch_take(struct watch *watch, const struct watch_sight *sight);

/* The most that the step held; `rss` is its largest process's, which counts its share of the page cache too. */
uint64_t watch_peak(const struct watch *watch, uint64_t rss);

/* Looks. False: the kernel does not tell. */
bool watch_see(const struct cgroup *cgroup, struct watch_sight *sight);

/* The same when none of its processes is left, and cheaper: what is held is then known from elsewhere. */
bool watch_see_end(const struct cgroup *cgroup, struct watch_sight *sight);

#endif
