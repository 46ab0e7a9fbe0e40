#include "docker/agent/cgroup.h"

#include "docker/agent/system.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define V2 "/sys/fs/cgroup/"
#define V1 V2 "memory/"

static int open_either(const char *first, const char *second)
{
    int fd = open(first, O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? fd : open(second, O_RDONLY | O_CLOEXEC);
}

/* The number after `name` at the start of a line. With an empty name, the number at the text's start. False: no line
 * starts so. */
static bool find_number(const char *text, const char *name, uint64_t *value)
{
    size_t len = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) == 0) {
            *value = strtoull(line + len, NULL, 10);
            return true;
        }
    }
    return false;
}

#define TEXT_MAX 1024 /* in each file, the figures of interest are in the first bytes */

static bool cgroup_read_text(int fd, char text[TEXT_MAX])
{
    ssize_t n = fd < 0 ? -1 : pread(fd, text, TEXT_MAX - 1, 0);
    text[n < 0 ? 0 : n] = '\0';
    return n > 0;
}

static uint64_t cgroup_number(int fd, const char *name)
{
    char text[TEXT_MAX];
    uint64_t value = 0;
    if (cgroup_read_text(fd, text))
        (void)find_number(text, name, &value);
    return value;
}

static bool read_held(int fd, struct cgroup_held *held)
{
    char text[TEXT_MAX];
    uint64_t own, shared, files;
    if (!cgroup_read_text(fd, text) || !find_number(text, "shmem ", &shared) ||
        (!find_number(text, "anon ", &own) && !find_number(text, "rss ", &own)) ||
        (!find_number(text, "file ", &files) && !find_number(text, "cache ", &files)))
        return false;
    held->memory = own + shared;
    held->cache = files > shared ? files - shared : 0; /* the kernel also counts shared memory as files */
    return true;
}

#define LIMIT_MAX (UINT64_C(1) << 60) /* version 1 writes a larger number for "no limit" */

/* A cell's cgroup has a memory limit. If there is none, this is the host's cgroup, with figures of the whole host. */
static bool is_own(const struct cgroup *cgroup)
{
    uint64_t limit = cgroup_number(cgroup->memory, "");
    return limit > 0 && limit <= LIMIT_MAX;
}

static int open_stat(const struct cgroup *cgroup)
{
    struct cgroup_held held;
    int fd = is_own(cgroup) ? open_either(V1 "memory.stat", V2 "memory.stat") : -1;
    if (fd < 0 || read_held(fd, &held))
        return fd;
    close(fd);
    return -1;
}

void cgroup_open(struct cgroup *cgroup)
{
    cgroup->kills = open_either(V1 "memory.oom_control", V2 "memory.events");
    cgroup->usage = open_either(V1 "memory.usage_in_bytes", V2 "memory.current");
    cgroup->peak = open_either(V1 "memory.max_usage_in_bytes", V2 "memory.peak");
    cgroup->memory = open_either(V1 "memory.limit_in_bytes", V2 "memory.max");
    cgroup->processes = open_either(V2 "pids/pids.max", V2 "pids.max");
    cgroup->cpu = open_either(V2 "cpu/cpu.cfs_quota_us", V2 "cpu.max");
    cgroup->stat = open_stat(cgroup);
    cgroup->used = is_own(cgroup) ? open_either(V2 "cpuacct/cpuacct.usage", V2 "cpu.stat") : -1;
    cgroup->own = -1;
}

void cgroup_open_own(struct cgroup *cgroup)
{
    cgroup->own = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

struct cgroup_counts cgroup_read(const struct cgroup *cgroup)
{
    return (struct cgroup_counts){
        .kills = cgroup_number(cgroup->kills, "oom_kill "),
        .usage = cgroup_number(cgroup->usage, ""),
        .peak = cgroup_number(cgroup->peak, ""),
    };
}

struct cgroup_limits cgroup_read_limits(const struct cgroup *cgroup)
{
    return (struct cgroup_limits){
        .memory = cgroup_number(cgroup->memory, ""),
        .processes = cgroup_number(cgroup->processes, ""),
        .cpu = cgroup_number(cgroup->cpu, ""),
    };
}

bool cgroup_read_held(const struct cgroup *cgroup, struct cgroup_held *held)
{
    return read_held(cgroup->stat, held);
}

/* The file has nanoseconds in version 1, and "usage_usec" with microseconds in version 2. The agent's own clock is read
 * first, because reading it makes the kernel add the agent's time so far to the cgroup. */
struct cgroup_used cgroup_read_used(const struct cgroup *cgroup)
{
    char text[TEXT_MAX];
    struct timespec own;
    uint64_t all;
    system_must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own));
    if (!cgroup_read_text(cgroup->used, text))
        return (struct cgroup_used){.known = false};
    if (find_number(text, "usage_usec ", &all))
        all *= 1000u;
    else if (text[0] >= '0' && text[0] <= '9')
        all = strtoull(text, NULL, 10);
    else
        return (struct cgroup_used){.known = false};
    return (struct cgroup_used){true, (int64_t)all - (int64_t)own.tv_sec * 1000000000 - (int64_t)own.tv_nsec};
}

/* statm has pages: all, the resident ones, and the resident ones that belong to files. */
uint64_t cgroup_own(const struct cgroup *cgroup)
{
    char text[TEXT_MAX], *at = text;
    if (!cgroup_read_text(cgroup->own, text))
        return 0;
    (void)strtoull(at, &at, 10);
    uint64_t resident = strtoull(at, &at, 10), files = strtoull(at, &at, 10);
    return resident > files ? (resident - files) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}
