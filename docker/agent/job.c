#include "docker/agent/job.h"

#include "docker/agent/files.h"
#include "docker/wire/path.h"

#include <errno.h>
#include <unistd.h>

void job_open(struct job *job, int folder, enum job_turn turn)
{
    job->phase = JOB_ENV;
    job->turn = turn;
    job->folder = folder;
    job->file = -1;
    job->files_len = 0;
    job->brings_hidden = false;
    job->failure = 0;
    job->error = 0;
    job->env_len = 0;
    job->env_used = 0;
    job->compile.present = job->run.present = false;
}

/* The length of the name with its '='. 0: there is no name or no '='. */
static size_t name_len(const char *variable, size_t len)
{
    const char *equals = memchr(variable, '=', len);
    return equals && equals != variable ? (size_t)(equals - variable) + 1 : 0;
}

/* The index in env of the variable with the first `name` bytes of `variable`, or env_len. */
static unsigned job_variable(const struct job *job, const char *variable, size_t name)
{
    unsigned i = 0;
    while (i < job->env_len && strncmp(job->env[i], variable, name) != 0)
        i++;
    return i;
}

static bool take_env(struct job *job, const struct frame *frame)
{
    const char *variable = (const char *)frame->payload;
    size_t name = name_len(variable, frame->length);
    if (name == 0 || memchr(variable, '\0', frame->length) || JOB_ENV_BYTES - job->env_used <= frame->length)
        return false;
    unsigned at = job_variable(job, variable, name);
    if (at == JOB_ENV_MAX)
        return false;
    job->env[at] = job->env_text + job->env_used;
    memcpy(job->env[at], variable, frame->length);
    job->env[at][frame->length] = '\0';
    job->env_used += frame->length + 1;
    if (at == job->env_len)
        job->env_len++;
    return true;
}

static void fail_file(struct job *job, int error)
{
    if (job->failure)
        return;
    job->failure = error == ENOSPC || error == EDQUOT ? FRAME_FAIL_SPACE : FRAME_FAIL_FILE;
    job->error = error;
}

static void end_file(struct job *job)
{
    if (job->file >= 0)
        close(job->file);
    job->file = -1;
}

static bool take_file(struct job *job, const struct frame *frame)
{
    struct frame_file file;
    end_file(job);
    if (job->files_len == JOB_FILES_MAX || !frame_file_get(frame, &file) || !wire_path_ok(file.path, file.path_len))
        return false;
    job->names[job->files_len++] = files_name_hash(file.path, file.path_len);
    job->brings_hidden |= file.path[0] == '.';
    if (job->failure)
        return true;
    char path[WIRE_PATH_MAX + 1];
    memcpy(path, file.path, file.path_len);
    path[file.path_len] = '\0';
    job->file = files_create(job->folder, path, file.mode, job->turn == JOB_LATER);
    if (job->file < 0)
        fail_file(job, -job->file);
    return true;
}

static bool take_data(struct job *job, const struct frame *frame)
{
    int error = job->file < 0 ? 0 : files_write(job->file, frame->payload, frame->length);
    if (error == 0)
        return true;
    fail_file(job, -error);
    end_file(job);
    return true;
}

/* Points argv to the strings in `text`, of which the last ends with the text. */
static bool split(struct job_step *step, size_t len)
{
    size_t count = 0;
    for (char *arg = step->text; arg < step->text + len; arg += strlen(arg) + 1) {
        if (count == JOB_ARGS_MAX)
            return false;
        step->argv[count++] = arg;
    }
    step->argv[count] = NULL;
    return true;
}

static bool take_step(struct job *job, const struct frame *frame)
{
    struct job_step *step = frame->step == FRAME_STEP_COMPILE ? &job->compile : &job->run;
    const char *argv;
    size_t len;
    end_file(job);
    if (!frame_step_get(frame, &step->spec, &argv, &len))
        return false;
    if (frame->step == FRAME_STEP_COMPILE && (step->spec.size.columns > 0 || step->spec.kernel))
        return false;
    if (step->spec.kernel && (step->spec.size.columns > 0 || job->compile.present))
        return false;
    if (step->spec.timeout_ms == 0 || step->spec.timeout_ms > JOB_TIMEOUT_MS)
        return false;
    memcpy(step->text, argv, len);
    step->present = true;
    return split(step, len);
}

/* Whether the program gets this variable of the container. The agent sets HOME; Podman sets `container` for itself. */
static bool handed_on(const struct job *job, const char *variable)
{
    size_t name = name_len(variable, strlen(variable));
    return name > 0 && strncmp(variable, "HOME=", 5) != 0 && strncmp(variable, "container=", 10) != 0 &&
           job_variable(job, variable, name) == job->env_len;
}

/* The container's variables that the job does not replace, then HOME, then the job's variables. */
static void gather_env(struct job *job)
{
    static char home[] = "HOME=" JOB_FOLDER;
    size_t count = 0;
    for (char **own = environ; *own && count < JOB_CONTAINER_ENV; own++)
        if (handed_on(job, *own))
            job->envp[count++] = *own;
    if (job_variable(job, home, 5) == job->env_len)
        job->envp[count++] = home;
    for (unsigned i = 0; i < job->env_len; i++)
        job->envp[count++] = job->env[i];
    job->envp[count] = NULL;
}

static bool take_start(struct job *job, const struct frame *frame)
{
    gather_env(job);
    return frame->length == 0;
}

static bool take_prepare(struct job *job, const struct frame *frame)
{
    if (job->turn != JOB_FIRST || (job->run.present && job->run.spec.kernel) || job->files_len != 0 ||
        (job->compile.present && job->run.present) || !frame_prepare_get(frame, &job->hold))
        return false;
    gather_env(job);
    return true;
}

#define IN(phase) (1u << (phase))

/* For each frame: the phases in which it may come, and the phase after it. */
static const struct rule {
    uint8_t type, step;
    unsigned phases;
    enum job_phase next;
    bool (*take)(struct job *job, const struct frame *frame);
} rules[] = {
    {FRAME_ENV, 0, IN(JOB_ENV), JOB_ENV, take_env},
    {FRAME_FILE, 0, IN(JOB_ENV) | IN(JOB_FILES), JOB_FILES, take_file},
    {FRAME_FILE_DATA, 0, IN(JOB_FILES), JOB_FILES, take_data},
    {FRAME_STEP, FRAME_STEP_COMPILE, IN(JOB_ENV) | IN(JOB_FILES), JOB_COMPILE, take_step},
    {FRAME_STEP, FRAME_STEP_RUN, IN(JOB_ENV) | IN(JOB_FILES) | IN(JOB_COMPILE), JOB_RUN, take_step},
    {FRAME_START, 0, IN(JOB_RUN), JOB_STARTED, take_start},
    {FRAME_PREPARE, 0, IN(JOB_COMPILE) | IN(JOB_RUN), JOB_PREPARED, take_prepare},
};

bool job_take(struct job *job, const struct frame *frame)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rule *rule = &rules[i];
        if (rule->type != frame->type || rule->step != frame->step)
            continue;
        if (frame->channel != 0 || !(rule->phases & IN(job->phase)) || !rule->take(job, frame))
            return false;
        job->phase = rule->next;
        return true;
    }
    return false;
}
