/* One job, as the frames before START describe it: variables, files, one or two steps.
 *
 *   env ─ FILE ─ files ─ STEP compile ─ compile ─ STEP run ─ run ─ START ─ started
 *    └────────────────────────────────────────┴───────────────┴─ PREPARE ─ prepared
 *
 * PREPARE ends the description of what a job is expected to begin with: variables and one step, nothing else. The
 * job itself is a struct of its own, and only the first since READY may be such a one.
 *
 * Files are written as they come. The first that cannot be written is remembered and said at START, and
 * the rest of the job is read past: the server sends a job without waiting for an answer. */
#ifndef CODECELL_AGENT_JOB_H
#define CODECELL_AGENT_JOB_H

#include "docker/wire/frame.h"

#define JOB_FOLDER_NAME "work"
#define JOB_FOLDER "/tmp/" JOB_FOLDER_NAME
#define JOB_ENV_MAX 256u         /* ENV frames */
#define JOB_ENV_BYTES 131072u    /* of all of them, with a NUL each */
#define JOB_CONTAINER_ENV 256u   /* variables of the container's own */
#define JOB_FILES_MAX 256u       /* FILE frames */
#define JOB_ARGS_MAX 4096u       /* of one step */
#define JOB_TIMEOUT_MS 86400000u /* a day: a step's time must not pass it, nor be 0 */

enum job_phase { JOB_ENV, JOB_FILES, JOB_COMPILE, JOB_RUN, JOB_STARTED, JOB_PREPARED };

struct job_step {
    bool present;
    struct frame_step_spec spec;
    char *argv[JOB_ARGS_MAX + 1]; /* into text; NULL after the last */
    char text[FRAME_PAYLOAD_MAX];
};

struct job {
    enum job_phase phase;
    bool first;                    /* PREPARE may come */
    enum frame_hold hold;          /* what PREPARE says */
    int folder;                    /* the working folder's descriptor; the caller's */
    int file;                      /* the one that FILE_DATA goes to, or -1 */
    unsigned files_len;            /* FILE frames so far */
    uint64_t names[JOB_FILES_MAX]; /* files_name_hash() of each */
    bool brings_hidden;            /* the name of one of them, or of its first folder, starts with a dot */
    enum frame_failure failure;    /* of the files; 0: none */
    int error;                     /* its errno */
    unsigned env_len;
    size_t env_used;
    char env_text[JOB_ENV_BYTES];
    char *env[JOB_ENV_MAX];                              /* into env_text, no name twice */
    char *envp[JOB_CONTAINER_ENV + 1 + JOB_ENV_MAX + 1]; /* from START or PREPARE on: what the program gets */
    struct job_step compile, run;
};

void job_open(struct job *job, int folder, bool first);

/* Takes one frame. False where it does not fit, or is out of its order: the cell is over. */
bool job_take(struct job *job, const struct frame *frame);

#endif
