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
 *   agent   READY
 *   server  [ENV* STEP(compile or run) PREPARE]
 *   agent   [PREPARED]
 *   server  ENV* (FILE FILE_DATA*)* [STEP(compile)] STEP(run) START  STDIN* STDIN_END
 *   agent   (OUTPUT* STEP_END)+ DONE            or FAILED instead of DONE
 *   server  [RESET]
 *   agent   [READY]                             and so on from the top; or FAILED, and the agent ends
 *
 * What the server sends before START is a job: variables, files, a compile step or none, and a run step. The agent
 * starts the run step unless the compile step ends with another exit code than 0; DONE follows in both cases.
 *
 * STDIN frames may come at any time after START, also while the run step runs. The agent reads them only as fast as
 * the program reads its standard input, and drops them after the run step has ended.
 *
 * PREPARE starts the step before it ahead of its job, as the first step of that job, and stops the process at the
 * point that enum frame_hold names. The working folder is still empty then. The next job goes on in this process if the
 * job's first step has the same argv, variables and memory_bytes, if the container's limits are the same, and if the
 * job brings no file that the process has looked for in vain (the first FILE does not count: it is the program itself).
 * Any other job gets a new process, and finds no trace of the stopped one. If the job comes before PREPARED, the agent
 * does not send PREPARED any more.
 *
 * RESET puts the cell back into its first state. READY says that the agent has verified this.
 *
 * The end of the stream ends the agent. A frame that breaks these rules, on either side, ends the cell. */
#ifndef CODECELL_DOCKER_WIRE_FRAME_H
#define CODECELL_DOCKER_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FRAME_VERSION 5u
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
    FRAME_RESET = 9,     /* empty; only after DONE */
    /* agent to server */
    FRAME_READY = 64,    /* FRAME_VERSION */
    FRAME_OUTPUT = 65,   /* has a step and a channel: bytes */
    FRAME_STEP_END = 66, /* has a step: struct frame_step_end */
    FRAME_DONE = 67,     /* empty: the job is over, and no process of it is left */
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

struct frame_step_spec {
    uint64_t timeout_ms;
    uint64_t output_max;   /* bytes for each of stdout and stderr; the agent drops what exceeds it */
    uint64_t memory_bytes; /* what it may hold besides its files in /tmp; its stack may grow to most of it.
                              0: unlimited, and the stack limit is the container's */
    uint64_t report_max;   /* bytes of the report, a file that the step may leave (docker/agent/report.h). The agent
                              sends it on FRAME_RESULT before STEP_END; a larger one is not sent. 0: there is none */
};

enum frame_flag {
    FRAME_TIMED_OUT = 1,     /* killed when its time was up */
    FRAME_OUT_OF_MEMORY = 2, /* the agent killed it for its memory, or the cgroup killed one of its processes */
    FRAME_STDOUT_TRUNCATED = 4,
    FRAME_STDERR_TRUNCATED = 8,
};

struct frame_step_end {
    uint32_t exit_code;  /* 0 to 255; 128 + signal if a signal ended it */
    uint32_t signal;     /* 0: none */
    uint32_t flags;      /* of enum frame_flag */
    uint64_t wall_ns;    /* from exec, or from its release if it was prepared, to the end of the first process */
    uint64_t cpu_ns;     /* user and system time of all its processes in that time */
    uint64_t peak_bytes; /* the most that it held besides its files in /tmp (docker/agent/watch.h) */
};

enum frame_failure {
    FRAME_FAIL_FRAME = 1,  /* a frame breaks the rules above */
    FRAME_FAIL_SPACE = 2,  /* the files do not fit into the working folder */
    FRAME_FAIL_FILE = 3,   /* a file could not be written for another reason, such as a path that collides */
    FRAME_FAIL_EXEC = 4,   /* the program could not be started: argv[0] is missing or not executable */
    FRAME_FAIL_SYSTEM = 5, /* one of the agent's own system calls failed */
    FRAME_FAIL_RESET = 6,  /* something of the last job is left, or may be */
};

struct frame_failed {
    uint32_t failure; /* enum frame_failure; a reader must expect other values */
    uint32_t error;   /* errno, or 0 */
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

#define FRAME_READY_SIZE 4u
void frame_ready_put(uint8_t out[FRAME_READY_SIZE], uint32_t version);
bool frame_ready_get(const struct frame *frame, uint32_t *version);

#define FRAME_FILE_HEAD 4u /* then the path */
void frame_file_put(uint8_t out[FRAME_FILE_HEAD], uint32_t mode);
bool frame_file_get(const struct frame *frame, struct frame_file *out);

#define FRAME_STEP_HEAD 32u /* then argv */
void frame_step_put(uint8_t out[FRAME_STEP_HEAD], const struct frame_step_spec *spec);
/* *argv points into the payload: *argv_len bytes, of which the first is not NUL and the last is. */
bool frame_step_get(const struct frame *frame, struct frame_step_spec *out, const char **argv, size_t *argv_len);

#define FRAME_PREPARE_SIZE 4u
void frame_prepare_put(uint8_t out[FRAME_PREPARE_SIZE], enum frame_hold hold);
bool frame_prepare_get(const struct frame *frame, enum frame_hold *hold);

#define FRAME_PREPARED_SIZE 16u
void frame_prepared_put(uint8_t out[FRAME_PREPARED_SIZE], const struct frame_prepared *prepared);
bool frame_prepared_get(const struct frame *frame, struct frame_prepared *out);

#define FRAME_STEP_END_SIZE 40u
void frame_step_end_put(uint8_t out[FRAME_STEP_END_SIZE], const struct frame_step_end *end);
bool frame_step_end_get(const struct frame *frame, struct frame_step_end *out);

#define FRAME_FAILED_SIZE 8u
void frame_failed_put(uint8_t out[FRAME_FAILED_SIZE], const struct frame_failed *failed);
bool frame_failed_get(const struct frame *frame, struct frame_failed *out);

#endif
