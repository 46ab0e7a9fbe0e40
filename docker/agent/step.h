/* One step of the job: a program, from its start to its STEP_END frame.
 *
 *   idle ─ running ─ killing ─ draining ─ over ─ running (the run step after the compile step)
 *
 * running   until its first process ends, its time is up, or it holds too much; a kernel's also until END
 * killing   the agent sends SIGKILL to every process of the cell, until none is left. If a kernel stays (kernel.h), it
 *           stops all, and kills the others
 * draining  the agent sends what the pipes still contain, and the report (report.h), or the kernel's messages */
#ifndef CODECELL_AGENT_STEP_H
#define CODECELL_AGENT_STEP_H

#include "docker/agent/cgroup.h"
#include "docker/agent/hold.h"
#include "docker/agent/job.h"
#include "docker/agent/kernel.h"
#include "docker/agent/outlet.h"
#include "docker/agent/spawn.h"
#include "docker/agent/tally.h"
#include "docker/agent/watch.h"

enum step_state { STEP_IDLE, STEP_RUNNING, STEP_KILLING, STEP_DRAINING, STEP_OVER, STEP_STATES };

/* stdout, stderr, and the report, which is opened when no process is left, or the kernel's channel. */
#define STEP_STREAMS 3

struct step_stream {
    int fd;   /* -1: closed */
    bool dry; /* draining: it is empty, and stays open for a kernel that stays */
    enum frame_channel channel;
    enum frame_flag truncated; /* the flag that says that output of this stream was dropped */
    uint64_t left;             /* bytes that may still be sent; at 0 the rest is dropped */
};

struct step {
    enum step_state state;
    enum frame_step which;
    bool kernels;  /* it is a kernel's */
    pid_t first;   /* the process that was started, or the kernel */
    int input;     /* our end of the program's stdin; -1: closed */
    int theirs;    /* the program's end of its terminal; -1: it has pipes, or no process of it is left */
    uint8_t typed; /* the last byte that the terminal took */
    struct step_stream streams[STEP_STREAMS];
    uint64_t started, deadline; /* system_clock() */
    bool backlog;               /* wait4() may have more to report */
    struct cgroup_used used;    /* when the step began */
    uint64_t cpu_before;        /* nanoseconds that its processes had used by then; only if `used` is unknown */
    uint64_t rss;               /* bytes, of the largest process */
    struct frame_step_end end;
    const struct cgroup *cgroup;
    uint64_t kills_before; /* cgroup_counts.kills when the step began */
    struct watch watch;
    struct tally tally;
    struct outlet *outlet;
    struct kernel *kernel;
    struct trace *trace; /* of the prewarmed process: its threads may still have to be released */
};

/* Starts the program. 0, or -1: the state is unchanged. */
int step_start(struct step *step, enum frame_step which, const struct job_step *what, char *const envp[],
               struct spawn_failure *failure);
/* Starts the step in a released process. Time limit, wall and CPU time count from now. */
void step_adopt(struct step *step, enum frame_step which, const struct job_step *what,
                const struct hold_released *released);

/* Writes to the program's stdin. How many bytes the pipe took; all of them if the program has closed it. */
size_t step_input(struct step *step, const uint8_t *data, size_t len);
/* Ends it: a terminal gets its end-of-file character. False: the terminal does not take it yet. */
bool step_input_end(struct step *step);
/* Closes our end without a word. */
void step_input_close(struct step *step);

/* Writes to the kernel's channel; as step_input(). */
size_t step_code(struct step *step, const uint8_t *data, size_t len);

/* Sends a signal to the program's process group, to the foreground group of its terminal, or to the kernel. */
void step_signal(const struct step *step, uint32_t number);
/* Sets its terminal's size. */
void step_resize(const struct step *step, const struct frame_size *size);

/* Whether the stream's next output can be read: the outlet has room for it, or it will be dropped. */
bool step_wants(const struct step *step, const struct step_stream *stream);
/* Reads once from the stream if step_wants() it. */
void step_output(struct step *step, struct step_stream *stream);

/* Reaps children; to be called at SIGCHLD and while there is a backlog. */
void step_children(struct step *step);

/* Nanoseconds until step_advance() should be called even if no descriptor is ready; or STEP_FOREVER. */
#define STEP_FOREVER UINT64_MAX
uint64_t step_patience(const struct step *step);

/* Checks the deadlines, and moves the state on as far as it goes without waiting. */
void step_advance(struct step *step);

#endif
