/* Starts a program of the job in a session of its own, with pipes as its descriptors 0, 1 and 2, no other descriptor of
 * the agent, and the seccomp filter. */
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
    int in, out, err; /* the agent's ends of the pipes, non-blocking: it writes to `in`, and reads the others */
    uint64_t started; /* system_clock() just before the start */
};

/* Returns 0 after exec, or -1: no process and no descriptor is left. `memory`: bytes that the program may hold; its
 * stack may grow to most of them (0: to the container's limit). `traced`: the agent becomes its tracer
 * (PTRACE_TRACEME), and the program stops after exec. */
int spawn(char *const argv[], char *const envp[], uint64_t memory, bool traced, struct spawn *out,
          struct spawn_failure *failure);

#endif
