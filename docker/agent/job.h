/* One job: the variables, files and one or two steps that the frames before START describe. The phase says which
 * frames may come next:
 *
 *   env ─ FILE ─ files ─ STEP compile ─ compile ─ STEP run ─ run ─ START ─ started
 *    └────────────────────────────────────────┴───────────────┴─ PREPARE ─ prepared
 *
 * PREPARE ends the description of a prewarmed process: variables and one step, no files. The job that follows it has a
 * struct of its own.
 *
 * Files are written as they come. If one cannot be written, the job remembers the first error until START and skips the
 * files after it, because the server sends a job without waiting for an answer. */
#ifndef CODECELL_AGENT_JOB_H
#define CODECELL_AGENT_JOB_H

#include "docker/wire/frame.h"

#define JOB_FOLDER_NAME "work"
#define JOB_FOLDER "/tmp/" JOB_FOLDER_NAME
#define JOB_ENV_MAX 256u         /* variables */
#define JOB_ENV_BYTES 131072u    /* of all ENV frames, each with a NUL */
#define JOB_CONTAINER_ENV 256u   /* variables of the container */
#define JOB_FILES_MAX 256u       /* FILE frames */
#define JOB_ARGS_MAX 4096u       /* of one step */
#define JOB_TIMEOUT_MS 86400000u /* a day: the longest time limit of a step; 0 is not allowed */

enum job_phase { JOB_ENV, JOB_FILES, JOB_COMPILE, JOB_RUN, JOB_STARTED, JOB_PREPARED };

enum job_turn {
    JOB_FIRST,        /* since READY: PREPARE may come */
    JOB_PREPARED_FOR, /* after PREPARE */
    JOB_LATER,        /* after another job: a file may replace one that is there */
};

struct job_step {
    bool present;
    struct frame_step_spec spec;
    char *argv[JOB_ARGS_MAX + 1]; /* into text; NULL after the last */
    char text[FRAME_PAYLOAD_MAX];
};

struct job {
    enum job_phase phase;
    enum job_turn turn;
    enum frame_hold hold;          /* of PREPARE */
    int folder;                    /* descriptor of the working folder; the caller owns it */
    int file;                      /* descriptor of the last FILE, or -1 */
    unsigned files_len;            /* FILE frames so far */
    uint64_t names[JOB_FILES_MAX]; /* files_name_hash() of each file */
    bool brings_hidden;            /* a file's path starts with a dot */
    enum frame_failure failure;    /* of the first file that could not be written; 0: none */
    int error;                     /* errno of `failure` */
    unsigned env_len;
    size_t env_used;
    char env_text[JOB_ENV_BYTES];
    char *env[JOB_ENV_MAX];                              /* into env_text; each name once */
    char *envp[JOB_CONTAINER_ENV + 1 + JOB_ENV_MAX + 1]; /* the program's variables; set at START or PREPARE */
    struct job_step compile, run;
};

void job_open(struct job *job, int folder, enum job_turn turn);

/* Takes one frame. False: the frame breaks the rules of docker/wire/frame.h. */
bool job_take(struct job *job, const struct frame *frame);

#endif
