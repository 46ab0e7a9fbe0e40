/* What a program may not ask of the kernel, whatever the engine allows: a seccomp filter, put on between
 * fork and exec. It keeps the program's hands off the agent, which has the same user, and does again what
 * the outer profile does, for engines that cannot take one. */
#ifndef CODECELL_AGENT_FILTER_H
#define CODECELL_AGENT_FILTER_H

/* Builds the filter's program from its table: once, at the agent's start. */
void filter_build(void);

/* Puts it on the calling process, for good. 0, or -1 with errno. */
int filter_apply(void);

#endif
