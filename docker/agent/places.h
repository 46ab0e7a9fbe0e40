/* Where a program can write: /tmp, /dev/shm and /dev/mqueue. What they were at the agent's start, and how they
 * become that again. */
#ifndef CODECELL_AGENT_PLACES_H
#define CODECELL_AGENT_PLACES_H

#include <stdint.h>

/* Looks at the places and at every other mount: to be called once, when the working folder is there and before any
 * program was. */
void places_open(void);

/* Empties them, puts their attributes back, and makes the working folder anew; the agent then stands in it. `folder`
 * is its descriptor, opened anew. 0, or -1 with errno; ENOTSUP: the container has other places to write to. */
int places_clear(int *folder, uint64_t deadline);

/* Compares all with the start. 0, or -1 with errno 0: something is left; what a dying process held may take a
 * moment to go. */
int places_check(void);

#endif
