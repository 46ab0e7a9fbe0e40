#include "docker/agent/cgroup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define V2 "/sys/fs/cgroup/"
#define V1 V2 "memory/"

static int open_either(const char *first, const char *second)
{
    int fd = open(first, O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? fd : open(second, O_RDONLY | O_CLOEXEC);
}

void cgroup_open(struct cgroup *cgroup)
{
    cgroup->kills = open_either(V1 "memory.oom_control", V2 "memory.events");
    cgroup->usage = open_either(V1 "memory.usage_in_bytes", V2 "memory.current");
    cgroup->peak = open_either(V1 "memory.max_usage_in_bytes", V2 "memory.peak");
    cgroup->memory = open_either(V1 "memory.limit_in_bytes", V2 "memory.max");
    cgroup->processes = open_either(V2 "pids/pids.max", V2 "pids.max");
    cgroup->cpu = open_either(V2 "cpu/cpu.cfs_quota_us", V2 "cpu.max");
}

/* The number behind `name` at the start of a line; with an empty name the first number. */
static uint64_t number(int fd, const char *name)
{
    char text[1024];
    ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    size_t len = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) == 0)
            return strtoull(line + len, NULL, 10);
    }
    return 0;
}

struct cgroup_counts cgroup_read(const struct cgroup *cgroup)
{
    return (struct cgroup_counts){
        .kills = number(cgroup->kills, "oom_kill "),
        .usage = number(cgroup->usage, ""),
        .peak = number(cgroup->peak, ""),
    };
}

struct cgroup_limits cgroup_read_limits(const struct cgroup *cgroup)
{
    return (struct cgroup_limits){
        .memory = number(cgroup->memory, ""),
        .processes = number(cgroup->processes, ""),
        .cpu = number(cgroup->cpu, ""),
    };
}

uint64_t cgroup_step_peak(const struct cgroup_counts *before, const struct cgroup_counts *after, uint64_t rss)
{
    if (after->peak > before->peak && after->peak > before->usage)
        return after->peak - before->usage;
    return rss;
}
