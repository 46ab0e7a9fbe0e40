/* The prewarmed process: the agent starts an interpreter before its job comes, traces it, and holds it at the entry of
 * the first system call whose result may depend on the job, called a look (look.h).
 *
 *   none ─ preparing ─ held ─ none (released: it is the job's program now)
 *              │         │
 *              └ ending ─┴─ none (killed: no trace of it is left)
 *
 * preparing  the agent follows the process's threads until one of them looks (trace.h)
 * held       the threads that look are stopped; the others run untraced
 *
 * What the process has written to stdout and stderr so far stays in its pipes, as output of the job that takes it. */
#ifndef CODECELL_AGENT_HOLD_H
#define CODECELL_AGENT_HOLD_H

#include "docker/agent/cgroup.h"
#include "docker/agent/job.h"
#include "docker/agent/outlet.h"
#include "docker/agent/spawn.h"
#include "docker/agent/trace.h"

#define HOLD_MS 20000u /* the longest time in the state preparing */

enum hold_state { HOLD_NONE, HOLD_PREPARING, HOLD_HELD, HOLD_ENDING, HOLD_STATES };

struct hold {
    enum hold_state state;
    bool owed;             /* the server waits for PREPARED */
    const struct job *job; /* with the argv and envp that the process was started with */
    struct spawn program;
    struct trace trace;          /* after a release: the threads that are still traced */
    bool backlog;                /* wait4() may have more to report */
    uint64_t deadline;           /* system_clock(), of the state preparing */
    struct cgroup_counts before; /* at the start of the process */
    struct cgroup_limits limits; /* at the same time; the runtime has sized its heap and its threads by them */
    struct cgroup_counts ready;  /* when the state became held */
    uint64_t children_ns;        /* CPU time of its child processes by then, if the cgroup does not tell */
    const struct cgroup *cgroup;
    struct outlet *outlet;
};

/* Starts the one step of `job`, which must not change until the state is none again. PREPARED follows. */
void hold_start(struct hold *hold, const struct job *job);

/* Whether the process can run `job`. From this call on, PREPARED is not sent any more. */
bool hold_fits(struct hold *hold, const struct job *job);

/* What the step needs to know of a released process. */
struct hold_released {
    struct spawn program;        /* with `started` set to the time of the release */
    struct cgroup_counts before; /* kills: at the release; peak: at its start, because its memory counts for the step */
    struct cgroup_used used;     /* at the release */
    uint64_t cpu_ns;             /* CPU time of it and its children by then, if `used` is unknown */
};

/* Releases the process: it goes on untraced. If it is not held yet, each thread is released at its next stop, which
 * step_children() handles. False: it cannot be released; call hold_end(). */
bool hold_release(struct hold *hold, struct hold_released *out);

/* Kills the process. The state becomes none when no process is left and /tmp is clean. */
void hold_end(struct hold *hold);

/* Nanoseconds until hold_advance() should be called even without SIGCHLD; UINT64_MAX: never. */
uint64_t hold_patience(const struct hold *hold);

/* Handles its children's stops and ends, and the deadline. `children`: SIGCHLD came. */
void hold_advance(struct hold *hold, bool children);

#endif
