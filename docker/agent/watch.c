#include "docker/agent/watch.h"

#include "docker/agent/system.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/vfs.h>
#include <unistd.h>

#define KERNEL_BYTES (UINT64_C(2) << 20) /* page tables, pipes and so on; a small program needs about 1 MB */

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t watch_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t watch_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t watch_allowance(uint64_t limit)
{
    return watch_max(limit / 20, UINT64_C(4) << 20) / 2;
}

/* Nanoseconds until the next measurement of a step that is `left` bytes below its limit and grew by `grown` bytes in
 * `elapsed` nanoseconds. */
static uint64_t patience(uint64_t left, uint64_t grown, uint64_t elapsed)
{
    double likely = grown > 0 ? (double)left / (double)grown * (double)elapsed / 2 : (double)WATCH_LATE_NS;
    uint64_t late = likely < (double)WATCH_LATE_NS ? (uint64_t)likely : WATCH_LATE_NS;
    return left / WATCH_SPEED + watch_max(late, WATCH_SOON_NS);
}

void watch_begin(struct watch *watch, uint64_t limit, uint64_t mark, uint64_t now)
{
    *watch = (struct watch){.limit = limit, .due = UINT64_MAX, .at = now, .mark = mark};
    if (limit > 0)
        watch->due = now + patience(limit + watch_allowance(limit), 0, 0);
}

/* If the mark has risen, the cgroup reached it after the last measurement. The step held that much less the rest. The
 * rest may have changed between the two, for example by a file in /tmp, so the larger value of the two counts. */
static void read_mark(struct watch *watch, const struct watch_sight *sight)
{
    if (sight->mark <= watch->mark)
        return;
    watch->marked = true;
    watch->most = watch_max(watch->most, above(sight->mark, watch_max(watch->rest, sight->rest)));
}

bool watch_take(struct watch *watch, const struct watch_sight *sight)
{
    uint64_t over = watch->limit + watch_allowance(watch->limit);
    uint64_t grown = above(sight->held, watch->held), elapsed = sight->at - watch->at;
    read_mark(watch, sight);
    watch->most = watch_max(watch->most, sight->held);
    watch->files = watch_max(watch->files, sight->files);
    watch->seen = true;
    watch->at = sight->at;
    watch->held = sight->held;
    watch->rest = sight->rest;
    watch->mark = watch_max(watch->mark, sight->mark);
    if (watch->limit > 0)
        watch->due = sight->at + patience(above(over, sight->held), grown, elapsed);
    return watch->limit > 0 && sight->held > over;
}

uint64_t watch_peak(const struct watch *watch, uint64_t rss)
{
    if (watch->marked)
        return watch->most;
    uint64_t bound = watch->seen && watch->mark > 0 ? above(watch->mark, watch->rest) : UINT64_MAX;
    return watch_max(watch->most, watch_min(above(rss, watch->files), bound));
}

/* Bytes of the files in a tmpfs, with files that are deleted but open. */
static uint64_t in_tmpfs(const char *path)
{
    struct statfs fs;
    if (statfs(path, &fs) < 0 || fs.f_type != TMPFS_MAGIC)
        return 0;
    return (uint64_t)(fs.f_blocks - fs.f_bfree) * (uint64_t)fs.f_bsize;
}

/* Resident bytes of the cell's System V segments. */
static uint64_t in_segments(void)
{
    struct shm_info info;
    void *out = &info; /* shmctl() declares another type */
    return shmctl(0, SHM_INFO, out) < 0 ? 0 : (uint64_t)info.shm_rss * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* statm has pages: all, the resident ones, and the resident ones that belong to files or are shared. */
static uint64_t mapped_by(int pid)
{
    char path[32], text[128], *at = text;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n < 0 ? 0 : n] = '\0';
    for (int i = 0; i < 2; i++)
        (void)strtoull(at, &at, 10);
    return strtoull(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The cgroup's total is read before the parts. If the step grows in between, the rest comes out too small, which
 * read_mark() makes up for. While a process ends, up to 40 MB of its pages are in the total but in none of the parts,
 * and would count as rest. So the rest is capped by what it can consist of. */
bool watch_see(const struct cgroup *cgroup, int first, struct watch_sight *sight)
{
    struct cgroup_counts counts = cgroup_read(cgroup);
    struct cgroup_held all;
    if (!cgroup_read_held(cgroup, &all))
        return false;
    uint64_t others = in_tmpfs("/tmp") + cgroup_own(cgroup);
    sight->held = above(all.memory, others);
    sight->rest = watch_min(above(counts.usage, sight->held), others + all.cache + KERNEL_BYTES);
    sight->mark = counts.peak;
    sight->files = mapped_by(first);
    sight->at = system_clock();
    return true;
}

bool watch_see_end(const struct cgroup *cgroup, struct watch_sight *sight)
{
    if (cgroup->stat < 0)
        return false;
    struct cgroup_counts counts = cgroup_read(cgroup);
    sight->held = in_tmpfs("/dev/shm") + in_segments();
    sight->rest = above(counts.usage, sight->held);
    sight->mark = counts.peak;
    sight->files = 0;
    sight->at = system_clock();
    return true;
}
