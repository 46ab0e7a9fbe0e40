/* Whether what lies in the working folder has changed since the last look, by the names, inodes, modes, sizes and times
 * of all entries. It looks only while every process of the capsule stands still or has ended. A write through a memory
 * map changes no time, so it is not seen. */
#ifndef CODECELL_AGENT_CHANGES_H
#define CODECELL_AGENT_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

#define CHANGES_ENTRIES 2000u /* more of them, or deeper folders, are not looked at: they count as changed */
#define CHANGES_DEPTH 16u
/* The kernel's clock for files is that coarse, and more: what changed so lately could change again at the same time. */
#define CHANGES_YOUNG_NS 20000000

struct changes {
    bool known; /* `sum` is that of the last look */
    uint64_t sum;
};

/* Looks. False: nothing has changed since the last look. True: something has, or it cannot be told. */
bool changes_look(struct changes *changes, const char *folder);

#endif
