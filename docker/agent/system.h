/* What every part of the agent leans on: the clock, and how it ends. */
#ifndef CODECELL_AGENT_SYSTEM_H
#define CODECELL_AGENT_SYSTEM_H

#include <stdint.h>
#include <stdnoreturn.h>

/* Ends the agent, and by that every process of the cell: PID 1's end is the namespace's. */
noreturn void system_end(void);

/* Hands back what a system call of the agent's own returned, and ends the agent where it failed: a
 * program may have changed what the agent may do, so nothing is carried on half done. */
long system_must(long returned);

uint64_t system_clock(void); /* nanoseconds, monotonic */

#endif
