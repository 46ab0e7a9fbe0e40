/* Starts a program of the job: own session, own pipes as 0, 1 and 2, nothing else of the agent's, the
 * filter on, the first to die when memory runs out. */
#ifndef CODECELL_AGENT_SPAWN_H
#define CODECELL_AGENT_SPAWN_H

#include "docker/wire/frame.h"

#include <sys/types.h>

struct spawn_failure {
    enum frame_failure failure; /* FRAME_FAIL_EXEC or FRAME_FAIL_SYSTEM */
    int error;                  /* errno */
};

struct spawn {
    pid_t pid;
    int in, out, err; /* the agent's ends of the pipes, non-blocking: 0 is written, 1 and 2 are read */
    uint64_t started; /* system_clock(), just before */
};

/* Returns when the program has been executed. 0, or -1: no process and no descriptor is left. Its stack may grow to
 * most of `memory`, the bytes that it may hold (0: to the container's limit). With `traced` the agent is its tracer
 * (PTRACE_TRACEME): it stops behind exec. */
int spawn(char *const argv[], char *const envp[], uint64_t memory, bool traced, struct spawn *out,
          struct spawn_failure *failure);

#endif
