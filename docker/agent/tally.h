/* What the kernel keeps for a step and charges to nobody, and no limit of its own bounds: TCP sockets that wait to be
 * accepted, pseudo-terminals, record locks. The first two are counted every TALLY_EVERY_NS; locks, which cost more to
 * count, after each TALLY_CPU_NS that the cell has computed. A step that holds too much is ended as one that holds too
 * much memory is. What a program needs of them is far below these numbers; docs/kernel-memory.md has what each costs.
 */
#ifndef CODECELL_AGENT_TALLY_H
#define CODECELL_AGENT_TALLY_H

#include "docker/agent/cgroup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TALLY_SOCKETS 1024u        /* of TCP, both ends, waiting ones too: up to 32 KiB of buffers each */
#define TALLY_LOCKS 16384u         /* of fcntl(): 192 bytes each */
#define TALLY_TERMINALS 64u        /* pairs: 40 KB each, and the host has 4096 of them */
#define TALLY_HIDDEN_NS 500000000u /* CPU time of a cell in which a process does not let the agent see its files */

#define TALLY_EVERY_NS 10000000u /* from one look to the next */
#define TALLY_CPU_NS 20000000u   /* time for some 10,000 locks */
/* Descriptors looked at in one count, about; the next goes on from there. Of one process at most so many, which stand
 * for the others: the agent has one share of the cell's processors, and up to 63 attackers have one each meanwhile. */
#define TALLY_FILES 256u
#define TALLY_FILES_OF_ONE 64u

struct tally {
    uint64_t due;   /* system_clock() of the next look */
    int64_t used;   /* CPU time of the cell when locks were counted last */
    int64_t hidden; /* spent while there was a process that hides its files */
    int after;      /* processes up to this id have been looked at in this round */
    unsigned turn;  /* processes looked at so far */
    uint64_t locks; /* found in this round, about */
};

/* What one look finds. */
struct tally_counts {
    uint64_t sockets, locks, terminals;
    bool hidden; /* a process was there whose files cannot be seen */
};

/* A step begins now. */
void tally_begin(struct tally *tally, const struct cgroup *cgroup, uint64_t now);

/* To be called when it is due. True: the step holds too much. */
bool tally_look(struct tally *tally, const struct cgroup *cgroup, uint64_t now);

/* The decision alone. `spent`: CPU time since the count before. */
bool tally_exceeded(struct tally *tally, const struct tally_counts *counts, int64_t spent);

/* How many locks the text of an fdinfo file tells of; `state` goes from one part of the text to the next. */
struct tally_text {
    unsigned at; /* letters of the line's first word that were as expected; above them all: another line */
};
uint64_t tally_locks(struct tally_text *state, const char *text, size_t len);

#endif
