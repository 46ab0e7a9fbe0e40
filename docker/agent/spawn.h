/* Starts a program of the job in a session of its own, with pipes or a terminal as its descriptors 0, 1 and 2, no other
 * descriptor of the agent, and the seccomp filter. */
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
    int in, out, err; /* the agent's ends of the pipes, non-blocking: it writes to `in`, and reads the others. With a
                         terminal, `in` and `out` are its descriptors for the same end, and `err` is -1 */
    int theirs;       /* the program's end of the terminal; -1: it has pipes */
    int kept;         /* the program's end of its stdin's pipe, if it has a channel; else -1 */
    uint64_t started; /* system_clock() just before the start */
};

struct spawn_options {
    char *const *argv, *const *envp;
    uint64_t memory; /* bytes that the program may hold; its stack may grow to most of them. 0: to the container's limit
                      */
    bool traced;     /* the agent becomes its tracer (PTRACE_TRACEME), and the program stops after exec */
    struct frame_size size; /* of its terminal; both 0: it gets pipes */
    int channel; /* becomes its descriptor SPAWN_CHANNEL; the caller closes its own. 0: none. Not with a terminal */
};
#define SPAWN_CHANNEL 3

/* Returns 0 after exec, or -1: no process and no descriptor is left. */
int spawn(const struct spawn_options *options, struct spawn *out, struct spawn_failure *failure);

#endif
