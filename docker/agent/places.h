/* The places where a program can write: /tmp, /dev/shm and /dev/mqueue. This records what they were at the agent's
 * start, and restores it. */
#ifndef CODECELL_AGENT_PLACES_H
#define CODECELL_AGENT_PLACES_H

#include <stdint.h>

/* Records the places and all other mounts. To be called once, after the working folder was made and before the first
 * program. */
void places_open(void);

/* Empties the places, restores their attributes, and makes a new working folder, which becomes the current folder.
 * *folder: the descriptor of the old one, then of the new one. 0, or -1 with errno; ENOTSUP: the container has other
 * places to write to. */
int places_clear(int *folder, uint64_t deadline);

/* Compares everything with the start. 0; -1 with errno 0: something is left, perhaps only until the kernel has cleaned
 * up after a process; -1 with another errno: a system call failed. */
int places_check(void);

#endif
