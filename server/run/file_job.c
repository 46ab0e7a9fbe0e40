#include "run/file_job.h"

#include "docker/cell/cells.h"

static void file_job_on_output(void *arg, enum frame_step step, enum frame_channel channel, const uint8_t *data,
                               size_t len)
{
    struct file_job *job = arg;

    (void)step;
    if (channel == FRAME_STDOUT)
        job->events->on_output(job->arg, data, len);
}

static void file_job_on_step_end(void *arg, enum frame_step step, const struct frame_step_end *end)
{
    struct file_job *job = arg;

    if (step == FRAME_STEP_RUN)
        job->exit_code = (int)end->exit_code;
}

static void file_job_on_input_wanted(void *arg)
{
    struct file_job *job = arg;

    job->events->on_input_wanted(job->arg);
}

static void file_job_on_done(void *arg, enum cell_outcome outcome)
{
    struct file_job *job = arg;

    job->cell = NULL;
    job->events->on_done(job->arg, outcome, job->exit_code);
}

static const struct cell_events with_input = {.on_output = file_job_on_output,
                                              .on_step_end = file_job_on_step_end,
                                              .on_input_wanted = file_job_on_input_wanted,
                                              .on_done = file_job_on_done},
                                without_input = {.on_output = file_job_on_output,
                                                 .on_step_end = file_job_on_step_end,
                                                 .on_done = file_job_on_done};

static void file_job_run(struct file_job *job, struct cell *cell, const struct cell_limits *limits,
                         const char *const *args, const struct file_job_events *events, void *arg, bool ahead)
{
    static const char *const no_env[] = {NULL};
    size_t count = 2;

    *job = (struct file_job){.cell = cell, .argv = {CELL_AGENT_PATH, "files"}, .events = events, .arg = arg};
    job->exit_code = -1;
    for (size_t i = 0; args[i] != NULL; i++)
        job->argv[count++] = args[i];
    job->job = (struct cell_job){.env = no_env,
                                 .run = {.argv = job->argv, .timeout_ms = FILE_JOB_MS, .output_max = UINT64_MAX >> 1},
                                 .ahead = ahead};
    cell_run(cell, &job->job, limits, events->on_input_wanted != NULL ? &with_input : &without_input, job);
}

void file_job_start(struct file_job *job, struct cell *cell, const struct cell_limits *limits, const char *const *args,
                    const struct file_job_events *events, void *arg)
{
    file_job_run(job, cell, limits, args, events, arg, false);
}

void file_job_start_ahead(struct file_job *job, struct cell *cell, const struct cell_limits *limits,
                          const char *const *args, const struct file_job_events *events, void *arg)
{
    file_job_run(job, cell, limits, args, events, arg, true);
}
