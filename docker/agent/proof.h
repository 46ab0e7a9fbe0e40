/* What a program can change besides files: attributes of the agent, sockets, IPC objects. This records them at the
 * agent's start, and checks that they are the same again. */
#ifndef CODECELL_AGENT_PROOF_H
#define CODECELL_AGENT_PROOF_H

/* To be called once, after the agent has opened all its descriptors and before the first program. */
void proof_open(void);

/* Removes SysV shared memory, semaphores and message queues. 0, or -1 with errno. */
int proof_clear_ipc(void);

/* 0; -1 with errno 0: something is left, perhaps only until the kernel has cleaned up after a process; -1 with
 * EADDRINUSE: a closed TCP connection is left, for a minute; -1 with another errno: it is unknown. */
int proof_check(void);

#endif
