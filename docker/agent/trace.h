/* The threads of a process that was started ahead. Each is stopped at its system calls, until one of them looks
 * (look.h): that one stays at the call's entry, and the others are let go there and then, so that letting the process
 * go is letting one thread go.
 *
 *   none ─ executing ─ stopping ─ following ─ settling ─ none
 *              └───────────┴──────────┴───────────┴─ leaving ─ none
 *
 * executing  its stop behind exec is awaited (PTRACE_TRACEME): it is seized there, which needs it stopped by a signal
 * stopping   that stop is awaited
 * following  every thread is
 * settling   one looks, or several do by now; the others are let go
 * leaving    all are
 *
 * A thread that has been let go is not followed any more: it is the runtime's own, and not the one that looks. */
#ifndef CODECELL_AGENT_TRACE_H
#define CODECELL_AGENT_TRACE_H

#include "docker/wire/frame.h"

#include <sys/types.h>

#define TRACE_THREADS_MAX 256u /* of one process, at a time: as many as a cell may have */

#define TRACE_ASKED_MAX 1024u /* names that it may ask for; at the next one it is held */

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
    bool looks; /* it stands at the entry of a look; else it runs, or its stop was not heard of yet */
};

struct trace {
    enum trace_phase phase;
    pid_t pid; /* the process */
    enum frame_hold where;
    bool looked_hidden; /* it knows that there is no hidden file (LOOK_HIDDEN) */
    unsigned asked_len; /* names of files that it knows are not there (LOOK_ASKS): files_name_hash() */
    uint64_t asked[TRACE_ASKED_MAX];
    bool released_stopping; /* it was let go before it was followed */
    unsigned looking;       /* threads that look */
    unsigned threads_len;   /* those that are traced */
    struct trace_thread threads[TRACE_THREADS_MAX];
};

/* A process that asked to be traced (spawn). */
void trace_begin(struct trace *trace, pid_t pid, enum frame_hold where);

enum trace_news {
    TRACE_FOREIGN, /* not about the process's threads, or it is the process's own end */
    TRACE_GOES_ON,
    TRACE_LOST, /* it cannot be held */
};

/* What waitpid has told. In any phase: whoever has stopped and is not held goes on. */
enum trace_news trace_take(struct trace *trace, pid_t id, int status);

/* Whether it has asked for a file of that name. */
bool trace_asked(const struct trace *trace, uint64_t name);

/* It is held: a thread looks, and all others are let go. */
bool trace_settled(const struct trace *trace);

/* Lets all threads go: those that look now, the others at their next stop, which trace_take sees to. False: one that
 * looks could not be. */
bool trace_release(struct trace *trace);

/* Every process of the cell is gone, or has been sent SIGKILL. */
void trace_forget(struct trace *trace);

#endif
