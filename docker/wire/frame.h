/* The frames that the server and the agent in a cell exchange over the container's attach stream, back to back:
 *
 *   byte 0     type (enum frame_type)
 *   byte 1     step (enum frame_step) if the type has one, else 0
 *   byte 2     channel (enum frame_channel) if the type has one, else 0
 *   byte 3     0
 *   byte 4..7  length of the payload, at most FRAME_PAYLOAD_MAX
 *   then       the payload
 *
 * Integers are little-endian. A cell's conversation; a part in brackets may be left out:
 *
 *   keeper  READY                               on standard output and on standard error
 *   server  OPEN
 *   server  [ENV* STEP(compile or run) PREPARE]
 *   agent   [PREPARED]
 *   server  ENV* (FILE FILE_DATA*)* [STEP(compile)] STEP(run) START  CODE* STDIN* STDIN_END
 *   agent   (OUTPUT* STEP_END)+ DONE            or FAILED instead of DONE
 *   server  [KERNEL_END]                        after DONE and STDIN_END
 *   ...                                         after DONE, further jobs in the same capsule, from ENV to DONE
 *   server  [RESET]                             after DONE, or before a job; then from the top
 *
 * The keeper is process 1 of a cell with capsules: it makes one capsule after the other, and an agent is process 1 of
 * each. In a cell without capsules, the agent itself says READY, and there is no RESET.
 *
 * READY brings a number that the keeper draws at random for each capsule, after the last capsule is gone. An agent has
 * closed the container's standard error before it reads a byte of a job, and cannot know the next number, so an agent
 * that a program has taken over cannot say READY: the server wants the same number from both streams, and no other
 * frame between. OPEN returns the number. So bytes that an earlier agent has left unread in the stream cannot open a
 * capsule, whatever a program's standard input has put there.
 *
 * What the server sends before START is a job: variables, files, a compile step or none, and a run step. The agent
 * starts the run step unless the compile step ends with another exit code than 0; DONE follows in both cases.
 *
 * STDIN frames may come at any time after START, also while the run step runs. The agent reads them only as fast as
 * the program reads its standard input, and drops them after the run step has ended.
 *
 * After DONE another job may come, once STDIN_END of the job before it was sent. No process of that job is left except
 * a kernel, but the working folder and /tmp are as it has left them. A FILE then replaces a file that has its path.
 *
 * A kernel is the program of a run step that stays for further jobs. Its step has no compile step before it and no
 * terminal. It goes on in the kernel that lives, if that has the same argv, and otherwise starts a new one. Between the
 * steps of a kernel its processes stand still. CODE goes to the kernel's channel (struct frame_message), and what comes
 * from there goes back as FRAME_RESULT; the step is over when the channel says END. docs/internals/kernel.md has the
 * whole of it.
 *
 * SIGNAL and RESIZE may come at any time after START, also after STDIN_END. The agent takes them in the order of the
 * STDIN frames, and drops them after the run step has ended. It drops a SIGNAL that comes before the run step.
 *
 * A run step may have a terminal instead of pipes: columns and rows in its STEP. All output then comes as stdout, and
 * STDIN_END is the terminal's end-of-file character.
 *
 * PREPARE starts the step before it ahead of its job, as the first step of that job, and stops the process at the
 * point that enum frame_hold names. The working folder is still empty then. The next job goes on in this process if the
 * job's first step has the same argv, variables and memory_bytes, if the container's limits are the same, and if the
 * job brings no file that the process has looked for in vain (the first FILE does not count: it is the program itself).
 * Any other job gets a new process, and finds no trace of the stopped one. If the job comes before PREPARED, the agent
 * does not send PREPARED any more.
 *
 * RESET ends the agent, and the kernel ends the capsule with everything in it. The keeper then makes the next one.
 *
 * The end of the stream ends the agent. A frame that breaks these rules, on either side, ends the cell. If a capsule
 * cannot be made, the keeper says FAILED on standard error and ends. */
#ifndef CODECELL_DOCKER_WIRE_FRAME_H
#define CODECELL_DOCKER_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FRAME_VERSION 8u
#define FRAME_HEADER 8u
#define FRAME_PAYLOAD_MAX 131072u /* a variable of 64 KiB, name and "=" included, fits */

enum frame_type {
    /* server to agent */
    FRAME_ENV = 1,       /* "NAME=value" without NUL; replaces an earlier variable of this name, also the container's */
    FRAME_FILE = 2,      /* struct frame_file; the agent makes the folders of its path */
    FRAME_FILE_DATA = 3, /* bytes for the file of the last FILE */
    FRAME_STEP = 4,      /* has a step: struct frame_step_spec, then argv: each string with its NUL */
    FRAME_START = 5,     /* empty: the job is complete */
    FRAME_STDIN = 6,     /* bytes */
    FRAME_STDIN_END = 7, /* empty */
    FRAME_PREPARE = 8,   /* enum frame_hold; at most once, before a job */
    FRAME_RESET = 9,     /* empty; only before a job or after DONE */
    FRAME_OPEN = 10,     /* struct frame_open; the first after READY */
    FRAME_SIGNAL = 11,   /* u32: a signal for the program, one of frame_signals */
    FRAME_RESIZE = 12,   /* struct frame_size; only if the run step has a terminal */
    FRAME_CODE = 13,     /* bytes for the kernel's channel: one message RUN, in pieces; only before the first STDIN */
    FRAME_KERNEL_END = 14, /* empty: ends the kernel, if there is one */
    /* agent or keeper to server */
    FRAME_READY = 64,    /* struct frame_ready */
    FRAME_OUTPUT = 65,   /* has a step and a channel: bytes */
    FRAME_STEP_END = 66, /* has a step: struct frame_step_end */
    FRAME_DONE = 67,     /* struct frame_done: the job is over, and no process of it is left, except the kernel */
    FRAME_FAILED = 68,   /* struct frame_failed */
    FRAME_PREPARED = 69, /* struct frame_prepared */
};

enum frame_step { FRAME_STEP_COMPILE = 1, FRAME_STEP_RUN = 2 };
enum frame_channel { FRAME_STDOUT = 1, FRAME_STDERR = 2, FRAME_RESULT = 3 /* the report */ };

/* The system call at which the agent stops a prepared process (docker/agent/look.h has the whole rule). */
enum frame_hold {
    FRAME_HOLD_FILE = 0,   /* the first that looks at a file in the working folder */
    FRAME_HOLD_GETUID = 1, /* that, or an earlier getuid(): for an interpreter that then reads the clock */
    FRAME_HOLD_OPEN = 2,   /* the first that opens, executes or lists a file there. Before it, the process may ask
                              whether a file exists, start other processes, and make files in /tmp */
};

struct frame_file {
    uint32_t mode;    /* at most 0777 */
    const char *path; /* path_len bytes: relative to the working folder, no "..", no NUL */
    size_t path_len;
};

/* Of a terminal, in characters. */
struct frame_size {
    uint32_t columns, rows; /* 1 to FRAME_SIZE_MAX each */
};
#define FRAME_SIZE_MAX 1000u

/* Whether the run step is a kernel's. */
enum frame_kernel {
    FRAME_KERNEL_NONE = 0,
    FRAME_KERNEL_USE = 1, /* the one that lives, or a new one if none lives or its argv differs */
};
/* A kernel whose time is up is interrupted (SIGINT), and killed if it has not said END so many milliseconds later. */
#define FRAME_KERNEL_GRACE_MS 2000u

struct frame_step_spec {
    uint64_t timeout_ms;
    uint64_t output_max;    /* bytes for each of stdout and stderr; the agent drops what exceeds it */
    uint64_t memory_bytes;  /* what it may hold besides its files in /tmp; its stack may grow to most of it.
                               0: unlimited, and the stack limit is the container's */
    uint64_t report_max;    /* bytes of the report, a file that the step may leave (docker/agent/report.h). The agent
                               sends it on FRAME_RESULT before STEP_END; a larger one is not sent. 0: there is none.
                               Of a kernel: bytes of the messages that are relayed on FRAME_RESULT; one that does not
                               fit any more is left out as a whole */
    struct frame_size size; /* of the terminal; both 0: it has pipes */
    enum frame_kernel kernel;
    bool changes; /* DONE must say whether files have changed; only the run step's counts */
};

enum frame_flag {
    FRAME_TIMED_OUT = 1,     /* killed when its time was up */
    FRAME_OUT_OF_MEMORY = 2, /* the agent killed it for its memory, or the cgroup killed one of its processes */
    FRAME_STDOUT_TRUNCATED = 4,
    FRAME_STDERR_TRUNCATED = 8,
    FRAME_REPORT_TRUNCATED = 16, /* a kernel's message was left out */
    FRAME_KERNEL_NEW = 32,       /* the kernel was started for this step */
    FRAME_KERNEL_LIVES = 64,     /* the kernel is there for the next job */
    FRAME_INTERRUPTED = 128,     /* the kernel was sent SIGINT, by its time limit or by SIGNAL */
};

struct frame_step_end {
    uint32_t exit_code;  /* 0 to 255; 128 + signal if a signal ended it; of a kernel: what its END said */
    uint32_t signal;     /* 0: none */
    uint32_t flags;      /* of enum frame_flag */
    uint64_t wall_ns;    /* from exec, or from its release if it was prepared, to the end of the first process */
    uint64_t cpu_ns;     /* user and system time of all its processes in that time */
    uint64_t peak_bytes; /* the most that it held besides its files in /tmp (docker/agent/watch.h) */
};

enum frame_failure {
    FRAME_FAIL_FRAME = 1,   /* a frame breaks the rules above */
    FRAME_FAIL_SPACE = 2,   /* the files do not fit into the working folder */
    FRAME_FAIL_FILE = 3,    /* a file could not be written for another reason, such as a path that collides */
    FRAME_FAIL_EXEC = 4,    /* the program could not be started: argv[0] is missing or not executable */
    FRAME_FAIL_SYSTEM = 5,  /* one of the agent's own system calls failed */
    FRAME_FAIL_CAPSULE = 6, /* the keeper could not make a capsule */
};

struct frame_done {
    bool kernel;  /* one lives */
    bool changed; /* what lies in the working folder may have changed since the last DONE whose job asked; true if this
                     one has not asked */
};

/* What the keeper does for a capsule, in this order. */
enum frame_stage {
    FRAME_STAGE_SETTLE = 1, /* waits until the memory of the last capsule is free */
    FRAME_STAGE_CLONE,      /* makes the namespaces */
    FRAME_STAGE_USERS,      /* maps the user into the new user namespace */
    FRAME_STAGE_LOOPBACK,   /* starts the loopback interface */
    FRAME_STAGE_NETWORK,    /* sets the limits of the network namespace */
    FRAME_STAGE_PROC,       /* mounts /proc */
    FRAME_STAGE_COUNT,      /* forbids further user namespaces, except the one that locks */
    FRAME_STAGE_MASKS,      /* makes /dev read-only, and hides files of /proc */
    FRAME_STAGE_CGROUP,     /* hides the cgroup's files, except its limits */
    FRAME_STAGE_DEVICES,    /* mounts /dev/shm, /dev/mqueue and /dev/pts */
    FRAME_STAGE_TMP,        /* mounts /tmp */
    FRAME_STAGE_LOCK,       /* makes the namespaces in which no mount can be undone */
    FRAME_STAGE_PRIVILEGES, /* gives up all capabilities */
    FRAME_STAGE_FILTER,     /* forbids namespaces and mounts */
    FRAME_STAGES
};

struct frame_failed {
    uint32_t failure; /* enum frame_failure; a reader must expect other values */
    uint32_t error;   /* errno, or 0 */
    uint32_t stage;   /* enum frame_stage if the failure is FRAME_FAIL_CAPSULE, else 0; other values may come */
};

/* The stage's name for people, such as "proc"; "unknown" for another value. */
const char *frame_stage_name(uint32_t stage);

struct frame_ready {
    uint32_t version; /* FRAME_VERSION */
    uint64_t number;  /* random */
    uint64_t held;    /* bytes that the cgroup holds without the page cache; 0: unknown */
};

struct frame_open {
    uint64_t number;     /* of READY */
    uint64_t tmp_bytes;  /* the size of /tmp, and of the largest file; without capsules these two are ignored, */
    uint64_t tmp_inodes; /* because the container has its own /tmp */
};

struct frame_prepared {
    bool held;      /* false: the process could not be started or stopped, and is gone */
    uint64_t bytes; /* the memory of the cgroup; 0: unknown */
};

struct frame {
    uint8_t type, step, channel;
    uint32_t length;
    const uint8_t *payload; /* into the reader's buffer */
};

void frame_header(uint8_t out[FRAME_HEADER], uint8_t type, uint8_t step, uint8_t channel, uint32_t length);

/* Reads the frame at the start of `data`. Returns its length with the header; 0: more bytes are needed; -1: the bytes
 * are not a frame. */
long frame_read(const uint8_t *data, size_t len, struct frame *out);

/* Each payload has one writer and one reader. A writer fills the array. A reader looks at the payload alone, not at
 * the type; false: the payload is too short or too long, or a value is outside its range. */

#define FRAME_READY_SIZE 24u
void frame_ready_put(uint8_t out[FRAME_READY_SIZE], const struct frame_ready *ready);
bool frame_ready_get(const struct frame *frame, struct frame_ready *out);

#define FRAME_OPEN_SIZE 24u
void frame_open_put(uint8_t out[FRAME_OPEN_SIZE], const struct frame_open *open);
bool frame_open_get(const struct frame *frame, struct frame_open *out);

#define FRAME_FILE_HEAD 4u /* then the path */
void frame_file_put(uint8_t out[FRAME_FILE_HEAD], uint32_t mode);
bool frame_file_get(const struct frame *frame, struct frame_file *out);

#define FRAME_STEP_HEAD 48u /* then argv */
void frame_step_put(uint8_t out[FRAME_STEP_HEAD], const struct frame_step_spec *spec);
/* *argv points into the payload: *argv_len bytes, of which the first is not NUL and the last is. */
bool frame_step_get(const struct frame *frame, struct frame_step_spec *out, const char **argv, size_t *argv_len);

#define FRAME_PREPARE_SIZE 4u
void frame_prepare_put(uint8_t out[FRAME_PREPARE_SIZE], enum frame_hold hold);
bool frame_prepare_get(const struct frame *frame, enum frame_hold *hold);

/* The signals that a SIGNAL may have; 0 after the last. */
extern const uint32_t frame_signals[];
#define FRAME_SIGNAL_SIZE 4u
void frame_signal_put(uint8_t out[FRAME_SIGNAL_SIZE], uint32_t number);
bool frame_signal_get(const struct frame *frame, uint32_t *number);

#define FRAME_RESIZE_SIZE 8u
void frame_resize_put(uint8_t out[FRAME_RESIZE_SIZE], const struct frame_size *size);
bool frame_resize_get(const struct frame *frame, struct frame_size *out);

#define FRAME_PREPARED_SIZE 16u
void frame_prepared_put(uint8_t out[FRAME_PREPARED_SIZE], const struct frame_prepared *prepared);
bool frame_prepared_get(const struct frame *frame, struct frame_prepared *out);

#define FRAME_STEP_END_SIZE 40u
void frame_step_end_put(uint8_t out[FRAME_STEP_END_SIZE], const struct frame_step_end *end);
bool frame_step_end_get(const struct frame *frame, struct frame_step_end *out);

#define FRAME_DONE_SIZE 8u
void frame_done_put(uint8_t out[FRAME_DONE_SIZE], const struct frame_done *done);
bool frame_done_get(const struct frame *frame, struct frame_done *out);

#define FRAME_FAILED_SIZE 12u
void frame_failed_put(uint8_t out[FRAME_FAILED_SIZE], const struct frame_failed *failed);
bool frame_failed_get(const struct frame *frame, struct frame_failed *out);

/* The messages of a kernel's channel, in both directions: a head {u8 kind, u8 0, u8 0, u8 0, u32 length}, then the
 * payload. The agent reads the number of RUN, and END; docs/internals/kernel.md has the other payloads. */
enum frame_message_kind {
    FRAME_MESSAGE_RUN = 1, /* server to driver: u32 number, then what the driver needs to run a cell */
    /* driver to server, relayed with their heads */
    FRAME_MESSAGE_BUNDLE = 1,
    FRAME_MESSAGE_RESULT = 2,
    FRAME_MESSAGE_ERROR = 3,
    FRAME_MESSAGE_NOTE = 4,
    FRAME_MESSAGE_COUNT = 5,
    FRAME_MESSAGE_END = 9, /* driver to agent: u32 number of RUN, u32 exit_code */
};
#define FRAME_MESSAGE_HEAD 8u
#define FRAME_MESSAGE_RUN_HEAD 12u /* with the number */
#define FRAME_MESSAGE_END_SIZE 8u  /* without the head */
#define FRAME_MESSAGE_MAX ((uint32_t)16 << 20)

struct frame_message {
    enum frame_message_kind kind;
    uint32_t length;
};

void frame_message_put(uint8_t out[FRAME_MESSAGE_HEAD], const struct frame_message *message);
/* Of a driver. False: the kind is not a driver's, or the length is not one that it can have. */
bool frame_message_get(const uint8_t in[FRAME_MESSAGE_HEAD], struct frame_message *out);

#endif
