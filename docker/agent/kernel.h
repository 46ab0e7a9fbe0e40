/* The kernel: a program that stays for further jobs of the capsule (docs/internals/kernel.md).
 *
 *   none ─ running ─ resting ─ running ─ …
 *             └─────────┴─ none: it has ended, and its descriptors are closed
 *
 * running  a step of its own goes on, which has its outputs and its channel
 * resting  it stands still, with all its threads; plain jobs may run beside it
 *
 * What its processes do is not trusted: they may send signals to each other and to plain jobs, write anything to the
 * channel, and read what is meant for the driver. Nothing of that reaches further than their own jobs. */
#ifndef CODECELL_AGENT_KERNEL_H
#define CODECELL_AGENT_KERNEL_H

#include "docker/agent/job.h"
#include "docker/agent/spawn.h"
#include "docker/wire/frame.h"

/* A kernel that has closed its channel is killed if it has not ended after this time. */
#define KERNEL_CLOSED_NS 500000000u
/* At the end of a step it is killed if it does not stand still after this time. */
#define KERNEL_STOP_NS 5000000000u

enum kernel_state { KERNEL_NONE, KERNEL_RUNNING, KERNEL_RESTING, KERNEL_STATES };

/* The message in whose middle the channel is. */
struct kernel_message {
    uint8_t head[FRAME_MESSAGE_HEAD], end[FRAME_MESSAGE_END_SIZE];
    size_t head_len; /* bytes in `head` */
    uint32_t left;   /* bytes of the payload that have not come yet */
    enum frame_message_kind kind;
    bool relayed;
};

struct kernel {
    enum kernel_state state;
    pid_t pid;                    /* its first process; 0: none, or it has been reaped */
    int in, out, err, channel;    /* our ends, but `in`: its own stdin's; -1: closed, or the step has it */
    char argv[FRAME_PAYLOAD_MAX]; /* each with its NUL */
    size_t argv_len;
    bool stopped;     /* what the system said last: all its threads stand still */
    uint64_t stop_by; /* system_clock(), while it is being stopped; else 0 */

    /* Of its step. */
    bool fresh;                          /* it was started for it */
    bool ended;                          /* END came */
    bool broken;                         /* it cannot stay: its channel is of no use, or it does not stand still */
    bool interrupted;                    /* it was sent SIGINT */
    bool left_out;                       /* a message was not relayed */
    uint32_t exit_code;                  /* of END */
    uint64_t closed_by;                  /* system_clock() at which it must have ended; UINT64_MAX: none */
    uint64_t report_left;                /* bytes of messages that may still be relayed */
    uint8_t run[FRAME_MESSAGE_RUN_HEAD]; /* the first bytes of RUN */
    uint64_t run_sent;                   /* bytes of RUN that the channel has taken */
    struct kernel_message message;
};

/* Of a kernel's step. */
struct kernel_entry {
    struct spawn program;
    int channel;
};

/* The kernel goes on, or is started, for a step, which gets the descriptors in `out`. Input that earlier steps have
 * left is dropped. 0, or -1: there is no kernel. */
int kernel_enter(struct kernel *kernel, const struct job_step *what, char *const envp[], struct kernel_entry *out,
                 struct spawn_failure *failure);
/* The step is over, and gives back what it still has; -1: it has closed it. A broken kernel is killed. */
void kernel_leave(struct kernel *kernel, int out, int err, int channel);

/* Whether it has not been reaped yet. */
bool kernel_lives(const struct kernel *kernel);
/* Whether it is to live on after the step that goes on. */
bool kernel_stays(const struct kernel *kernel);

/* Writes bytes of RUN to the step's channel. How many it took; all of them if it is of no use. */
size_t kernel_code(struct kernel *kernel, int channel, const uint8_t *data, size_t len);
/* Takes what came from the channel, and copies what is relayed to `room`: at most FRAME_MESSAGE_HEAD bytes more than
 * `len`. Returns its length. */
size_t kernel_take(struct kernel *kernel, const uint8_t *data, size_t len, uint8_t *room);
/* The channel's other end is closed. */
void kernel_closed(struct kernel *kernel);

/* Sends its process group a signal, as a terminal does: a call that waits for a program ends with the program. */
void kernel_signal(struct kernel *kernel, uint32_t number);

/* The options of wait4() with which kernel_child() hears of it; 0: there is no kernel. */
int kernel_wait_options(const struct kernel *kernel);
/* Takes what wait4() said. True: the child has only stopped or gone on. Where there is a kernel, none is traced. */
bool kernel_child(struct kernel *kernel, pid_t pid, int status);
/* Stops every process, and kills all but the kernel. True: there is no other any more, and it stood still before.
 * To be repeated until then; a kernel that still stands still after the next kernel_child() rests. */
bool kernel_quell(struct kernel *kernel);

/* Kills it, and waits until it is gone. Only if there is no other process. */
void kernel_end(struct kernel *kernel);

#endif
