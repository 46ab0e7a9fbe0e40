/* An interpreter that waits for its job: started ahead, traced, and held at the entry of the first system
 * call that its job must have come for (look.h).
 *
 *   none ─ preparing ─ held ─ none (released: it is the job's program now)
 *              │         │
 *              └ ending ─┴─ none (killed; nothing is left of it)
 *
 * Its threads are followed until one looks (trace.h); it is held once the others are let go.
 * What it writes to its streams before stays in the pipes, and belongs to the job that takes it. */
#ifndef CODECELL_AGENT_HOLD_H
#define CODECELL_AGENT_HOLD_H

#include "docker/agent/cgroup.h"
#include "docker/agent/job.h"
#include "docker/agent/outlet.h"
#include "docker/agent/spawn.h"
#include "docker/agent/trace.h"

#define HOLD_MS 20000u /* that it may prepare */

enum hold_state { HOLD_NONE, HOLD_PREPARING, HOLD_HELD, HOLD_ENDING, HOLD_STATES };

struct hold {
    enum hold_state state;
    bool owed;             /* the server waits for PREPARED */
    const struct job *job; /* its argv and envp are what the process was started with */
    struct spawn program;
    struct trace trace;          /* of the program; after a release, what there is to let go still */
    bool backlog;                /* children may be left to wait for */
    uint64_t deadline;           /* system_clock() */
    struct cgroup_counts before; /* at its start */
    struct cgroup_limits limits; /* likewise: a runtime measures its heap and its threads by them */
    struct cgroup_counts ready;  /* when it was held */
    uint64_t children_ns;        /* of CPU that its own processes had used by then, where the cgroup does not tell */
    const struct cgroup *cgroup;
    struct outlet *outlet;
};

/* Starts the one step of `job`, which stays as it is until the state is none again. PREPARED follows. */
void hold_start(struct hold *hold, const struct job *job);

/* The job has come, so PREPARED is not said any more. Whether the process is what `job` asks for. */
bool hold_fits(struct hold *hold, const struct job *job);

/* What a released process brings along. */
struct hold_released {
    struct spawn program;        /* started: now */
    struct cgroup_counts before; /* kills: now; peak: at its start, for what it holds counts */
    struct cgroup_used used;     /* up to now */
    uint64_t cpu_ns;             /* where that is not known: what it and its processes have used up to now */
};

/* Lets it go on, untraced: at once where it is held, else at the next stop of each thread, which step_children sees to.
 * False: it could not be, and must be ended. */
bool hold_release(struct hold *hold, struct hold_released *out);

/* Kills it; the state is none as soon as nothing is left. */
void hold_end(struct hold *hold);

/* How long nothing can happen but a child's signal: nanoseconds, or UINT64_MAX. */
uint64_t hold_patience(const struct hold *hold);

/* Looks at its children, after SIGCHLD and while there is a backlog, and at the clock. */
void hold_advance(struct hold *hold, bool children);

#endif
