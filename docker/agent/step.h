/* One step of the job: a program, from its start to the frame that says how it ended.
 *
 *   idle ─ running ─ killing ─ draining ─ over
 *
 * running   until its first process has ended, its time is up, or it holds too much memory
 * killing   every process of the cell is sent SIGKILL, until none is left
 * draining  what is still in the pipes is sent; nobody can add to it */
#ifndef CODECELL_AGENT_STEP_H
#define CODECELL_AGENT_STEP_H

#include "docker/agent/cgroup.h"
#include "docker/agent/hold.h"
#include "docker/agent/job.h"
#include "docker/agent/outlet.h"
#include "docker/agent/spawn.h"
#include "docker/agent/tally.h"
#include "docker/agent/watch.h"

enum step_state { STEP_IDLE, STEP_RUNNING, STEP_KILLING, STEP_DRAINING, STEP_OVER, STEP_STATES };

struct step_stream {
    int fd; /* -1: closed */
    enum frame_channel channel;
    enum frame_flag truncated; /* the flag for output that was dropped */
    uint64_t left;             /* bytes that may still be sent */
};

struct step {
    enum step_state state;
    enum frame_step which;
    pid_t first;
    int input; /* the program's stdin; -1: closed, by either side */
    struct step_stream streams[2];
    uint64_t started, deadline; /* system_clock() */
    bool backlog;               /* children may be left to wait for */
    struct cgroup_used used;    /* when the step began */
    uint64_t cpu_before;        /* nanoseconds that its processes had used by then, where `used` is not known */
    uint64_t rss;               /* bytes, of the largest process */
    struct frame_step_end end;
    const struct cgroup *cgroup;
    uint64_t kills_before; /* processes that the kernel had killed for memory when the step began */
    struct watch watch;
    struct tally tally;
    struct outlet *outlet;
    struct trace *trace; /* threads of the first process that are to be let go */
};

/* Starts it. 0, or -1: the state stays idle. */
int step_start(struct step *step, enum frame_step which, const struct job_step *what, char *const envp[],
               struct spawn_failure *failure);
/* The same, in a process that was held for it: counted from here on. It may be traced still. */
void step_adopt(struct step *step, enum frame_step which, const struct job_step *what,
                const struct hold_released *released);

/* Writes to the program's stdin. How many bytes were taken: all, where it has closed it. */
size_t step_input(struct step *step, const uint8_t *data, size_t len);
void step_input_end(struct step *step);

bool step_wants(const struct step *step, const struct step_stream *stream); /* there is room for its output */
void step_output(struct step *step, struct step_stream *stream);            /* reads it once, where wanted */

/* Waits for children that have ended; to be called on SIGCHLD, and while there is a backlog. */
void step_children(struct step *step);

/* How long nothing can happen but what a descriptor tells: nanoseconds, or STEP_FOREVER. */
#define STEP_FOREVER UINT64_MAX
uint64_t step_patience(const struct step *step);

/* Looks at the clock, and takes the state as far as it goes without waiting. */
void step_advance(struct step *step);

#endif
