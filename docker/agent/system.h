/* What every part of the agent uses: its clock, and its end. */
#ifndef CODECELL_AGENT_SYSTEM_H
#define CODECELL_AGENT_SYSTEM_H

#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

/* Ends the agent, or the keeper. The kernel then kills every process of its namespace, because it is process 1 there. A
 * keeper whose agent ends this way ends, too. */
noreturn void system_end(void);

/* Returns what a system call of the agent returned, and ends the agent if that is an error: the program may have caused
 * the error, so the agent does not try to go on. */
long system_must(long returned);

uint64_t system_clock(void); /* nanoseconds, monotonic */

uint64_t system_cpu_ns(pid_t pid); /* what a process has used; 0: unknown */

/* Writes the text to a file that is there, in one call. 0, or -1 with errno. */
int system_write_text(const char *path, const char *text);

#endif
