/* Counts what the kernel keeps for a step without charging it to the cell or limiting it: TCP sockets that wait to be
 * accepted, pseudo-terminals, and record locks. The first two are counted every TALLY_EVERY_NS; locks, which take
 * longer to count, each time the cell has used TALLY_CPU_NS of CPU time. A step that has too many ends like one that
 * holds too much memory. Programs need far fewer; docs/kernel-memory.md says what each costs. */
#ifndef CODECELL_AGENT_TALLY_H
#define CODECELL_AGENT_TALLY_H

#include "docker/agent/cgroup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TALLY_SOCKETS 1024u        /* TCP sockets, with both ends and those not accepted yet: up to 32 KiB each */
#define TALLY_LOCKS 16384u         /* locks of fcntl(): 192 bytes each */
#define TALLY_TERMINALS 64u        /* pairs: 40 KB each, and the whole host has 4096 */
#define TALLY_HIDDEN_NS 500000000u /* CPU time while a process hides its descriptors from the agent */

#define TALLY_EVERY_NS 10000000u /* from one count to the next */
#define TALLY_CPU_NS 20000000u   /* enough to take about 10,000 locks */
/* One count of locks reads about TALLY_FILES descriptors; the next goes on from there. Of one process it reads
 * TALLY_FILES_OF_ONE, as a sample. More would take too long, because the program's processes compete with the agent for
 * the cell's CPUs. */
#define TALLY_FILES 256u
#define TALLY_FILES_OF_ONE 64u

struct tally {
    uint64_t due;   /* system_clock() of the next count */
    int64_t used;   /* CPU time of the cell, in nanoseconds, at the last count of locks */
    int64_t hidden; /* CPU time that was used while a process hid its descriptors */
    int after;      /* this round has read the processes up to this id */
    unsigned turn;  /* processes read so far */
    uint64_t locks; /* an estimate of those found in this round */
};

/* What one count finds. */
struct tally_counts {
    uint64_t sockets, locks, terminals;
    bool hidden; /* a process hides its descriptors */
};

/* A step begins at `now`. */
void tally_begin(struct tally *tally, const struct cgroup *cgroup, uint64_t now);

/* Counts; to be called when `due` has come. True: the step has too many. */
bool tally_look(struct tally *tally, const struct cgroup *cgroup, uint64_t now);

/* Adds one process's locks. Returns how many descriptors it read, and one more for the process. */
unsigned tally_look_at(int pid, struct tally *tally, struct tally_counts *counts);

/* The decision of tally_look(). `spent`: CPU time since the last count of locks. */
bool tally_exceeded(struct tally *tally, const struct tally_counts *counts, int64_t spent);

/* Counts the locks in a part of the text of /proc/PID/fdinfo/FD. `state` is zero for the first part. */
struct tally_text {
    unsigned at; /* how many letters of this line match "lock:"; more than it has: the line does not match */
};
uint64_t tally_locks(struct tally_text *state, const char *text, size_t len);

#endif
