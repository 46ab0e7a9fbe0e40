/* What a program can change outside of files: the agent's own attributes, sockets, IPC objects. What it was at the
 * agent's start, and whether it is so again. */
#ifndef CODECELL_AGENT_PROOF_H
#define CODECELL_AGENT_PROOF_H

/* To be called once, when all of the agent's descriptors are open and before any program was. */
void proof_open(void);

/* Removes SysV shared memory, semaphores and message queues. 0, or -1 with errno. */
int proof_clear_ipc(void);

/* 0; or -1 with errno 0: something is left, or with why it cannot be told. EADDRINUSE: a TCP connection that the
 * kernel keeps for a minute. What a dying process held may take a moment to go. */
int proof_check(void);

#endif
