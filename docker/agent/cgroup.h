/* What the cell's cgroups count and allow, version 1 or 2, as seen from inside the container. A count that
 * the kernel does not offer stays 0, and what is made of it falls back to the processes' own figures. */
#ifndef CODECELL_AGENT_CGROUP_H
#define CODECELL_AGENT_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup {
    int kills, usage, peak; /* descriptors, or -1 */
    int stat;               /* likewise; -1, too, where the container has no limit of its own: it is another's then */
    int own;                /* of the agent's own memory */
    int memory, processes, cpu; /* of the limits, likewise */
    int used;                   /* of the CPU time; -1 as `stat` */
};

struct cgroup_counts {
    uint64_t kills; /* processes that the kernel killed for the memory limit */
    uint64_t usage; /* bytes now */
    uint64_t peak;  /* bytes, the highest since the container's start */
};

/* As the engine set them last; 0: none, or not known. */
struct cgroup_limits {
    uint64_t memory, processes, cpu;
};

void cgroup_open(struct cgroup *cgroup);
struct cgroup_counts cgroup_read(const struct cgroup *cgroup);
struct cgroup_limits cgroup_read_limits(const struct cgroup *cgroup);

/* Bytes of what the cgroup holds. */
struct cgroup_held {
    uint64_t memory; /* anonymous and shared memory, files in a tmpfs among them, the agent's own included */
    uint64_t cache;  /* files of file systems on disks */
};

/* False: the kernel does not tell. */
bool cgroup_read_held(const struct cgroup *cgroup, struct cgroup_held *held);

/* CPU time that the cell's processes have used since its start, without the agent's own: whether anybody waits for them
 * or not. */
struct cgroup_used {
    bool known; /* false: the kernel does not tell */
    int64_t ns;
};
struct cgroup_used cgroup_read_used(const struct cgroup *cgroup);

/* Bytes of the agent's own anonymous memory. */
uint64_t cgroup_own(const struct cgroup *cgroup);

#endif
