/* What the cell's cgroups, version 1 or 2, count and allow, as seen from inside the container. A figure that the kernel
 * does not offer is 0; the caller then uses the processes' own figures. */
#ifndef CODECELL_AGENT_CGROUP_H
#define CODECELL_AGENT_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup {
    /* Descriptors; -1: there is no such file. `stat` and `used` are also -1 if the container has no memory limit,
     * because its cgroup is then not its own. */
    int kills, usage, peak;     /* of the memory */
    int stat;                   /* memory.stat */
    int own;                    /* the agent's own memory; -1 before cgroup_open_own() */
    int memory, processes, cpu; /* the limits */
    int used;                   /* CPU time */
};

struct cgroup_counts {
    uint64_t kills; /* processes that the kernel killed because of the memory limit */
    uint64_t usage; /* bytes now */
    uint64_t peak;  /* the most bytes since the container's start */
};

/* The limits that the engine has set; 0: none, or unknown. */
struct cgroup_limits {
    uint64_t memory, processes, cpu;
};

/* Opens all but `own`. A capsule hides most of these files, so the keeper opens them, and each agent inherits them. */
void cgroup_open(struct cgroup *cgroup);
/* In the agent itself. */
void cgroup_open_own(struct cgroup *cgroup);
struct cgroup_counts cgroup_read(const struct cgroup *cgroup);
struct cgroup_limits cgroup_read_limits(const struct cgroup *cgroup);

/* Bytes of what the cgroup holds. */
struct cgroup_held {
    uint64_t memory; /* anonymous and shared memory, with the files of each tmpfs and the agent's own memory */
    uint64_t cache;  /* cached files of other file systems */
};

/* False: unknown. */
bool cgroup_read_held(const struct cgroup *cgroup, struct cgroup_held *held);

/* CPU time that all processes of the cell except the agent have used since its start. */
struct cgroup_used {
    bool known;
    int64_t ns;
};
struct cgroup_used cgroup_read_used(const struct cgroup *cgroup);

/* Bytes of the agent's anonymous memory. */
uint64_t cgroup_own(const struct cgroup *cgroup);

#endif
