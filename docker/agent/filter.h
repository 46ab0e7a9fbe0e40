/* The seccomp filter that the agent puts on a program between fork and exec. It protects the agent, which has the same
 * user, from the program. It also repeats what the container's seccomp profile forbids, for engines that do not accept
 * the profile. */
#ifndef CODECELL_AGENT_FILTER_H
#define CODECELL_AGENT_FILTER_H

#include <linux/filter.h>

/* Builds the filter from its table. To be called once, at the agent's start. */
void filter_build(void);

/* The filter that was built. */
struct sock_fprog filter_program(void);

/* Puts the filter on the calling process. It cannot be removed. 0, or -1 with errno. */
int filter_apply(void);

/* For process 1 of a capsule: forbids what the container's seccomp profile allows only for making capsules. It stays on
 * all its children. 0, or -1 with errno. */
int filter_apply_agent(void);

#endif
