/* A real agent in a namespace of its own, for the agent's tests: process 1, an unprivileged user, a tmpfs
 * on /tmp, its streams in our hands. A test program can run itself inside ("as NAME": see
 * trial_main). */
#ifndef CODECELL_TESTS_UNIT_AGENT_AGENT_TRIAL_H
#define CODECELL_TESTS_UNIT_AGENT_AGENT_TRIAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "docker/wire/frame.h"

#include <sys/types.h>

#define TRIAL_LIMIT_MS 90000   /* for any one wait: reaching it is a failure */
#define TRIAL_SELF "/mnt/self" /* the test's own program, inside */
#define TRIAL_TOOL "/mnt/tool" /* the agent's program, inside */

#define TRIAL_CGROUP_FILES 5

/* A stand-in for the cgroup's files, which the program can write to. The first that is NULL ends them. */
struct trial_cgroup {
    const char *folder; /* "memory", or "." */
    const char *names[TRIAL_CGROUP_FILES], *texts[TRIAL_CGROUP_FILES];
};

struct trial_options {
    const char *tmpfs;                 /* options of the tmpfs on /tmp; NULL: size=64m */
    unsigned nproc;                    /* RLIMIT_NPROC; 0: none */
    bool root;                         /* the agent stays user 0, with every capability */
    const struct trial_cgroup *cgroup; /* files in place of the cgroup's; NULL: what the machine has */
    const char *variable;              /* one of the container's own variables; NULL: none */
    bool capsules;     /* a keeper, in a world like the engine's containers; without `cgroup` it gets a made-up one */
    bool closed;       /* the test itself answers READY with OPEN */
    const char *agent; /* another program than AGENT_PATH */
};

struct trial_bytes {
    uint8_t *data;
    size_t len, max;
};

struct trial {
    pid_t pid;
    int in, out, err; /* the agent's fd 0, 1 and 2, our ends */
    bool ready, done, failed, eof;
    uint32_t failure, error, stage;
    bool said[2]; /* READY, on stdout and on stderr */
    struct frame_ready words[2];
    bool closed;             /* of the options */
    uint64_t memory_bytes;   /* what each step that is sent may hold; 0: any number */
    uint64_t report_max;     /* of each step that is sent */
    struct frame_size size;  /* of the terminal of each run step that is sent; both 0: pipes */
    bool kernel, changes;    /* of each run step that is sent */
    const char *input;       /* of the next kernel_begin(); NULL: none */
    unsigned prepared;       /* PREPARED frames so far */
    bool held;               /* what the last one said */
    uint64_t prepared_bytes; /* its memory */
    bool ended[3];
    struct frame_step_end end[3];    /* by step */
    struct frame_done last;          /* what DONE said */
    struct trial_bytes output[3][4]; /* by step, by channel */
    struct trial_bytes waiting, received, notices;
    size_t sent;
};

/* Starts an agent and waits until it is ready. */
void trial_open(struct trial *trial, const struct trial_options *options);
/* Ends the stream, waits for the agent's end, asserts that nothing is left. Frees. */
void trial_close(struct trial *trial);

/* What is sent waits until trial_pump. */
void trial_send(struct trial *trial, const void *data, size_t len);
void trial_frame(struct trial *trial, uint8_t type, uint8_t step, const void *payload, size_t len);
void trial_env(struct trial *trial, const char *variable);
void trial_file(struct trial *trial, const char *path, uint32_t mode, const void *data, size_t len);
void trial_step(struct trial *trial, enum frame_step step, uint64_t timeout_ms, uint64_t output_max,
                const char *const argv[]);
void trial_start(struct trial *trial, const void *input, size_t len); /* START, STDIN, STDIN_END */

/* START of a kernel's step, RUN with this number and code, STDIN, STDIN_END. */
void trial_start_kernel(struct trial *trial, uint32_t number, const char *code, const char *input);

void trial_signal(struct trial *trial, uint32_t number);
void trial_resize(struct trial *trial, uint32_t columns, uint32_t rows);

/* Sends PREPARE for a step, and waits for PREPARED, which must say that it is held, or not. */
void trial_send_prepare(struct trial *trial, enum frame_step step, enum frame_hold hold, const char *const argv[]);
void trial_prepare(struct trial *trial, enum frame_step step, enum frame_hold hold, const char *const argv[],
                   bool held);

/* Sends and receives until DONE, FAILED or the end of the stream; with `until`, until that is true. */
void trial_pump(struct trial *trial, bool (*until)(const struct trial *trial));

/* Sends what waits, and takes nothing. Takes all up to the stream's end, and sends nothing. */
void trial_send_all(struct trial *trial);
void trial_receive_all(struct trial *trial);

/* A run step of 10 s and 1 MiB, without stdin, to its end. */
void trial_run(struct trial *trial, const char *const argv[]);
void trial_sh(struct trial *trial, const char *script);
void trial_self(struct trial *trial, const char *name);

/* Polls until `there` is true, without taking a frame. */
void trial_await(const struct trial *trial, bool (*there)(const struct trial *trial));
/* The agent's first child, by this test's count of processes; 0: it has none. */
pid_t trial_program(const struct trial *trial);
/* A process's state, as proc(5) has it ('S': it waits); and its CPU time, with that of the children that it waited for.
 */
char trial_state(pid_t pid);
uint64_t trial_cpu_ns(pid_t pid);

/* Sends OPEN with this number. */
void trial_send_open(struct trial *trial, uint64_t number, uint64_t tmp_bytes);
/* Forgets the last job, because another one comes in the same capsule. */
void trial_again(struct trial *trial);
/* Sends RESET, and waits for READY or FAILED; forgets the last job. */
void trial_reset(struct trial *trial);

/* Asserts: the run step ended so, and DONE came. */
void trial_expect(const struct trial *trial, uint32_t exit_code, uint32_t signal, uint32_t flags);
/* Asserts: the run steps of both printed the same and ended the same. */
void trial_expect_same(struct trial *a, struct trial *b);
/* What came, with NUL at its end: of the run step, and of any. */
const char *trial_text(struct trial *trial, enum frame_channel channel);
const char *trial_text_of(struct trial *trial, enum frame_step step, enum frame_channel channel);

/* What the test program does inside, by name; returns its exit code. */
struct trial_role {
    const char *name;
    int (*play)(void);
};
/* main() of a test program: the role that argv names, or -1 where there is none. */
int trial_main(int argc, char **argv, const struct trial_role *roles, size_t len);

#endif
