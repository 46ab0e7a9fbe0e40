#include "docker/agent/tally.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char lock_word[] = "lock:";
#define WORD_LEN (sizeof lock_word - 1)

uint64_t tally_locks(struct tally_text *state, const char *text, size_t len)
{
    uint64_t found = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n')
            state->at = 0;
        else if (state->at < WORD_LEN)
            state->at = text[i] == lock_word[state->at] ? state->at + 1 : WORD_LEN + 1;
        else
            state->at = WORD_LEN + 1;
        found += state->at == WORD_LEN;
    }
    return found;
}

bool tally_exceeded(struct tally *tally, const struct tally_counts *counts, int64_t spent)
{
    if (counts->hidden)
        tally->hidden += spent;
    return counts->sockets > TALLY_SOCKETS || counts->locks > TALLY_LOCKS || counts->terminals > TALLY_TERMINALS ||
           tally->hidden > TALLY_HIDDEN_NS;
}

/* The number after `name` in the file; 0: it is not there. */
static uint64_t in_use(const char *path, const char *name)
{
    char text[512];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = '\0';
    const char *at = strstr(text, name);
    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* How many entries of a folder have a number as their name. */
static uint64_t numbers_in(const char *path)
{
    uint64_t count = 0;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        count += isdigit((unsigned char)entry->d_name[0]) != 0;
    if (folder)
        closedir(folder);
    return count;
}

static uint64_t locks_of(int folder, const char *name)
{
    char text[4096];
    struct tally_text state = {0};
    uint64_t found = 0;
    ssize_t n;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && found <= TALLY_LOCKS && (n = read(fd, text, sizeof text)) > 0)
        found += tally_locks(&state, text, (size_t)n);
    if (fd >= 0)
        close(fd);
    return found;
}

static unsigned entries_in(DIR *folder)
{
    unsigned count = 0;
    while (readdir(folder))
        count++;
    rewinddir(folder);
    return count;
}

/* Reads each `stride`-th descriptor, and counts its locks `stride` times. Each count begins at another descriptor.
 * Returns how many it read. */
static unsigned look_at_some(DIR *folder, unsigned stride, struct tally *tally)
{
    unsigned looked = 0, at = tally->turn++ % stride;
    for (struct dirent *entry; tally->locks <= TALLY_LOCKS && (entry = readdir(folder));)
        if (at++ % stride == 0 && entry->d_name[0] != '.') {
            tally->locks += locks_of(dirfd(folder), entry->d_name) * stride;
            looked++;
        }
    return looked;
}

unsigned tally_look_at(int pid, struct tally *tally, struct tally_counts *counts)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/fdinfo", pid);
    DIR *folder = opendir(path);
    if (!folder) {
        counts->hidden |= errno == EACCES || errno == EPERM;
        return 1;
    }
    unsigned looked = 1 + look_at_some(folder, 1 + entries_in(folder) / TALLY_FILES_OF_ONE, tally);
    closedir(folder);
    return looked;
}

/* Goes on through the processes, which /proc lists by ascending id. After the last one, a new round begins. */
static void count_locks(struct tally *tally, struct tally_counts *counts)
{
    unsigned looked = 0;
    DIR *all = opendir("/proc");
    struct dirent *entry;
    while (all && looked < TALLY_FILES && (entry = readdir(all))) {
        int pid = (int)strtol(entry->d_name, NULL, 10);
        if (pid > 1 && pid > tally->after) {
            looked += tally_look_at(pid, tally, counts);
            tally->after = pid;
        }
    }
    if (all)
        closedir(all);
    counts->locks = tally->locks;
    if (looked < TALLY_FILES)
        tally->after = 0, tally->locks = 0;
}

void tally_begin(struct tally *tally, const struct cgroup *cgroup, uint64_t now)
{
    *tally = (struct tally){.due = now + TALLY_EVERY_NS, .used = cgroup_read_used(cgroup).ns};
}

/* Sockets and terminals are counted by the clock, which is cheap, and not by CPU time, because the kernel's own threads
 * can make connections, and their time is not the cell's. If the cell's CPU time is unknown, locks are counted each
 * time. */
bool tally_look(struct tally *tally, const struct cgroup *cgroup, uint64_t now)
{
    struct cgroup_used used = cgroup_read_used(cgroup);
    int64_t spent = used.known ? used.ns - tally->used : (int64_t)TALLY_CPU_NS;
    struct tally_counts counts = {0};
    tally->due = now + TALLY_EVERY_NS;
    counts.sockets = in_use("/proc/net/sockstat", "\nTCP: inuse ") + in_use("/proc/net/sockstat6", "TCP6: inuse ");
    counts.terminals = numbers_in("/dev/pts");
    if (spent >= (int64_t)TALLY_CPU_NS) {
        count_locks(tally, &counts);
        tally->used = used.ns;
    }
    return tally_exceeded(tally, &counts, spent);
}
