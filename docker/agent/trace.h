/* Traces the threads of the prewarmed process with ptrace. Each thread stops at its system calls until one of them
 * looks (look.h). That thread stays at the entry of its call; the agent detaches all others at their next stop. To
 * release the process later, the agent then only has to detach the threads that look.
 *
 *   none ─ executing ─ stopping ─ following ─ settling ─ none
 *              └───────────┴──────────┴───────────┴─ leaving ─ none
 *
 * executing  waits for the stop after exec (PTRACE_TRACEME), where the agent seizes the process
 * stopping   waits for the stop by SIGSTOP, which seizing needs
 * following  every thread stops at each of its system calls
 * settling   at least one thread looks; the others are detached at their next stop
 * leaving    every thread is detached at its next stop
 *
 * A detached thread is never traced again: it is one of the runtime's helpers, and is not expected to look. */
#ifndef CODECELL_AGENT_TRACE_H
#define CODECELL_AGENT_TRACE_H

#include "docker/wire/frame.h"

#include <sys/types.h>

#define TRACE_THREADS_MAX 256u /* threads at a time: as many as a cell may have */
#define TRACE_ASKED_MAX 1024u  /* names that the process may ask for; the next one is a look */

enum trace_phase {
    TRACE_NONE,
    TRACE_EXECUTING,
    TRACE_STOPPING,
    TRACE_FOLLOWING,
    TRACE_SETTLING,
    TRACE_LEAVING,
    TRACE_PHASES
};

struct trace_thread {
    pid_t id;
    bool looks; /* it is stopped at the entry of a look */
};

struct trace {
    enum trace_phase phase;
    pid_t pid; /* the process */
    enum frame_hold where;
    bool looked_hidden; /* it has looked for a hidden file (LOOK_HIDDEN) */
    unsigned asked_len;
    uint64_t asked[TRACE_ASKED_MAX]; /* files_name_hash() of each file that it has asked for (LOOK_ASKS) */
    bool released_stopping;          /* it was released in the phase stopping */
    unsigned looking;                /* threads that look */
    unsigned threads_len;            /* threads that are traced */
    struct trace_thread threads[TRACE_THREADS_MAX];
};

/* Begins with a process that spawn() started with `traced`. */
void trace_begin(struct trace *trace, pid_t pid, enum frame_hold where);

enum trace_news {
    TRACE_FOREIGN, /* the end of the process itself, or not about a thread of it */
    TRACE_GOES_ON,
    TRACE_LOST, /* the process cannot be held; it should be killed */
};

/* Takes in what wait4() has reported. In each phase, a thread that has stopped and does not look goes on. */
enum trace_news trace_take(struct trace *trace, pid_t id, int status);

/* Whether the process has asked for a file with this files_name_hash(). */
bool trace_asked(const struct trace *trace, uint64_t name);

/* Whether the process is held: each thread that is still traced looks, and there is one. */
bool trace_settled(const struct trace *trace);

/* Detaches the threads that look at once, and makes the others stop, so that trace_take() detaches them. False: a
 * thread that looks could not be detached. */
bool trace_release(struct trace *trace);

/* Forgets the process. To be called when every process of the cell has ended or was sent SIGKILL. */
void trace_forget(struct trace *trace);

#endif
