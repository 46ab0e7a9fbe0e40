/* What every part of the agent uses: its clock, and its end. */
#ifndef CODECELL_AGENT_SYSTEM_H
#define CODECELL_AGENT_SYSTEM_H

#include <stdint.h>
#include <stdnoreturn.h>

/* Ends the agent. The kernel then kills every process of the cell, because the agent is process 1 of its namespace. */
noreturn void system_end(void);

/* Returns what a system call of the agent returned, and ends the agent if that is an error: the program may have caused
 * the error, so the agent does not try to go on. */
long system_must(long returned);

uint64_t system_clock(void); /* nanoseconds, monotonic */

#endif
