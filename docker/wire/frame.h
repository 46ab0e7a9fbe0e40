/* The frames between a server and the agent in a cell: the one thing that docker/cell/cell.c and the agent
 * share. Over the attach stream, both ways, back to back:
 *
 *   byte 0     type (enum frame_type)
 *   byte 1     step (enum frame_step), where the type has one, else 0
 *   byte 2     channel (enum frame_channel), where the type has one, else 0
 *   byte 3     0
 *   byte 4..7  length of the payload, little-endian, at most FRAME_PAYLOAD_MAX
 *   then       the payload; integers in it are little-endian
 *
 * A cell's way; a line in brackets may be left out:
 *
 *   agent   READY
 *   server  [ENV* STEP(compile or run) PREPARE]
 *   agent   [PREPARED]
 *   server  ENV* (FILE FILE_DATA*)* STEP(compile)? STEP(run) START  STDIN* STDIN_END
 *   agent   (OUTPUT* STEP_END)+ DONE            or FAILED, instead of DONE, at any point after START
 *   server  [RESET]
 *   agent   [READY]                             and so on from the top; or FAILED, and the agent ends
 *
 * PREPARE starts the argv of the one step before it ahead of its job and holds it where it first looks at a file in the
 * working folder, which is empty still: the step that the job will begin with. A job whose first step is that one, with
 * the same argv and variables, goes on in it (where it is the compile step the run step follows afresh), unless it
 * brings a file that what is held asked for and did not find; the first FILE of a job is the program's own and does not
 * count. Any other job gets a process of its own, and nobody sees a trace of the held one. The job may come before
 * PREPARED does, which then is not sent. After a compile step that does not end with exit code 0 the run step is not
 * started: DONE follows. The agent reads STDIN only as fast as the program takes it, and drops what is left when the
 * program has ended. RESET puts the cell back to its first state; READY means that this was proved. The end of the
 * stream ends the agent. Anything that does not fit the format, on either side, ends the cell. Bytes of type that are
 * not named here are reserved (files back).
 */
#ifndef CODECELL_DOCKER_WIRE_FRAME_H
#define CODECELL_DOCKER_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FRAME_VERSION 4u
#define FRAME_HEADER 8u
#define FRAME_PAYLOAD_MAX 131072u /* a variable of 64 KiB, name and "=" included, fits */

enum frame_type {
    /* server to agent */
    FRAME_ENV = 1,  /* "NAME=value", without NUL; a later one wins over an earlier and over the container's */
    FRAME_FILE = 2, /* u32 mode, then the path: relative to the working folder, no "..", no NUL; its folders are made */
    FRAME_FILE_DATA = 3, /* bytes for the file named last */
    FRAME_STEP = 4,      /* struct frame_step_spec, then argv: each string followed by NUL */
    FRAME_START = 5,     /* nothing: the job is complete */
    FRAME_STDIN = 6,     /* bytes */
    FRAME_STDIN_END = 7, /* nothing */
    FRAME_PREPARE = 8,   /* u32 enum frame_hold: only before a job, once */
    FRAME_RESET = 9,     /* nothing: only after DONE */
    /* agent to server */
    FRAME_READY = 64,    /* u32 FRAME_VERSION */
    FRAME_OUTPUT = 65,   /* step, channel: bytes */
    FRAME_STEP_END = 66, /* step: struct frame_step_end */
    FRAME_DONE = 67,     /* nothing: no process of the job is left, the cell's job is over */
    FRAME_FAILED = 68,   /* u32 enum frame_failure, u32 errno */
    FRAME_PREPARED =
        69, /* u32 1: it is held, 0: it could not be; u32 0; u64 the cgroup's memory in bytes, 0: not known */
};

enum frame_step { FRAME_STEP_COMPILE = 1, FRAME_STEP_RUN = 2 };
enum frame_channel { FRAME_STDOUT = 1, FRAME_STDERR = 2, FRAME_RESULT = 3 };

/* Where PREPARE has the process held: at its first look at a file in the working folder; earlier, where it first asks
 * who its user is (for one that reads the clock then and counts from there); or later, where it first opens,
 * executes or lists something there: before, it may ask what is there, start processes, and make files in /tmp. */
enum frame_hold { FRAME_HOLD_FILE = 0, FRAME_HOLD_GETUID = 1, FRAME_HOLD_OPEN = 2 };

enum frame_failure {
    FRAME_FAIL_FRAME = 1,  /* a frame that does not fit, or out of its order */
    FRAME_FAIL_SPACE = 2,  /* the files do not fit into the working folder */
    FRAME_FAIL_FILE = 3,   /* a file could not be written for another reason (a path that collides) */
    FRAME_FAIL_EXEC = 4,   /* the program could not be started: argv[0] is missing or not executable */
    FRAME_FAIL_SYSTEM = 5, /* a system call of the agent's own failed */
    FRAME_FAIL_RESET = 6,  /* something of the last job is left, or may be; errno says what was refused, or 0 */
};

/* On the wire in this order, u64 each. */
#define FRAME_STEP_SPEC 24u
struct frame_step_spec {
    uint64_t timeout_ms;
    uint64_t output_max;   /* bytes per stream, past which output is read and dropped */
    uint64_t memory_bytes; /* that it may hold beside its files in /tmp; its stack may grow to most of it. 0: any
                              number, and the container's own limit of the stack */
};

enum frame_flag {
    FRAME_TIMED_OUT = 1,     /* killed for its time */
    FRAME_OUT_OF_MEMORY = 2, /* it was killed for its memory, or the cgroup killed a process for it during the step */
    FRAME_STDOUT_TRUNCATED = 4,
    FRAME_STDERR_TRUNCATED = 8,
};

/* On the wire in this order: u32 exit_code, u32 signal, u32 flags, u32 0, u64 wall_ns, u64 cpu_ns, u64 peak_bytes. */
#define FRAME_STEP_END_SIZE 40u
#define FRAME_PREPARED_SIZE 16u
struct frame_step_end {
    uint32_t exit_code;  /* 0 to 255; 128 + signal where a signal ended it */
    uint32_t signal;     /* 0: none */
    uint32_t flags;      /* enum frame_flag, or'ed */
    uint64_t wall_ns;    /* from exec, or from being let go where it was held, to the first process's end */
    uint64_t cpu_ns;     /* user and system, of all its processes, in that time */
    uint64_t peak_bytes; /* the most that it held beside its files in /tmp (watch.h) */
};

struct frame {
    uint8_t type, step, channel;
    uint32_t length;
    const uint8_t *payload; /* into the reader's buffer */
};

static inline void frame_put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline void frame_put64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline uint32_t frame_get32(const uint8_t *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v |= (uint32_t)p[i] << (8 * i);
    return v;
}

static inline uint64_t frame_get64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static inline void frame_header(uint8_t out[FRAME_HEADER], uint8_t type, uint8_t step, uint8_t channel, uint32_t length)
{
    out[0] = type;
    out[1] = step;
    out[2] = channel;
    out[3] = 0;
    frame_put32(out + 4, length);
}

/* Reads the frame at the start of `data`. Returns its whole length with the header, 0 where more bytes
 * are needed, -1 where it cannot be a frame. */
static inline long frame_read(const uint8_t *data, size_t len, struct frame *out)
{
    if (len < FRAME_HEADER)
        return 0;
    uint32_t length = frame_get32(data + 4);
    if (length > FRAME_PAYLOAD_MAX || data[3] != 0)
        return -1;
    if (len - FRAME_HEADER < length)
        return 0;
    *out = (struct frame){
        .type = data[0], .step = data[1], .channel = data[2], .length = length, .payload = data + FRAME_HEADER};
    return (long)(FRAME_HEADER + length);
}

#endif
