/* What a cell gets for an execution: variables, files, argv, limits. */
#include "run/execution_private.h"

#include "languages/command.h"
#include "run/kernel.h"
#include "run/runner_private.h"

#include <stdlib.h>
#include <string.h>

/* What was allocated for the job; the texts that it points to belong to the request and the language. */
struct execution_job {
    struct command run, compile;
    struct cell_file *files;
    struct buf code; /* the message of a kernel step */
};

/* A script that names its interpreter is executable, as it probably was on the client's machine. */
static struct cell_file cell_file_of(const char *path, const char *data, size_t len)
{
    bool is_script = len >= 2 && memcmp(data, "#!", 2) == 0;

    return (struct cell_file){.path = path, .data = data, .len = len, .mode = is_script ? 0755 : 0644};
}

/* The client's files, the program, and the key of the report. A kernel gets its program in a message. */
static struct cell_file *build_files(const struct execution *execution, size_t *len)
{
    const struct execution_request *request = &execution->request;
    struct cell_file *files = calloc(request->files_len + 2, sizeof *files);
    size_t count = 0;

    if (files == NULL)
        return NULL;
    if (!request->kernel)
        files[count++] = cell_file_of(request->language->file, request->code, request->code_len);
    for (size_t i = 0; i < request->files_len; i++)
        files[count++] = cell_file_of(request->files[i].path, request->files[i].data, request->files[i].len);
    if (request->evaluate)
        files[count++] = cell_file_of(EVALUATION_KEY_FILE, execution->evaluation_key, EVALUATION_KEY_LEN);
    *len = count;
    return files;
}

static char **run_argv(const struct execution_request *request)
{
    const struct language_version *version = request->version;

    if (request->kernel)
        return version->kernel;
    return request->evaluate ? version->evaluate : version->run;
}

/* What figures in the command stand for. A kernel that is there already must have the same command. */
static const struct cell_limits *run_figures(const struct execution_request *request)
{
    return request->kernel ? &request->workspace->limits.cell : &request->limits.cell;
}

static uint64_t report_max(const struct execution_request *request)
{
    if (request->kernel)
        return KERNEL_REPORT_MAX;
    return request->evaluate ? EVALUATION_REPORT_MAX : 0;
}

static int put_code(struct execution *execution, struct buf *out)
{
    const struct execution_request *request = &execution->request;

    buf_init(out, PTRDIFF_MAX); /* as large as the code, which is in memory already */
    return request->kernel ? kernel_put_run(out, ++execution->runner->kernel_steps, request->language->file,
                                            request->code, request->code_len)
                           : 0;
}

int execution_job_build(struct execution *execution)
{
    const struct execution_request *request = &execution->request;
    const struct language_version *version = request->version;
    const struct cell_limits *limits = &request->limits.cell,
                             compiler = command_compile_limits(limits, version->compile_memory_mb);
    uint64_t output_max = (uint64_t)request->limits.output_kb << 10;
    size_t files_len = 0;
    struct execution_job *parts = calloc(1, sizeof *parts);

    execution->job_parts = parts;
    if (parts == NULL)
        return -1;
    parts->files = build_files(execution, &files_len);
    if (command_build(&parts->run, run_argv(request), version->env, run_figures(request), request->env,
                      request->args) != 0 ||
        command_build(&parts->compile, version->compile, version->env, &compiler, request->env, NULL) != 0 ||
        parts->files == NULL || put_code(execution, &parts->code) != 0)
        return -1;
    execution->job = (struct cell_job){
        .env = parts->run.env,
        .files = parts->files,
        .files_len = files_len,
        .run = {.argv = parts->run.argv,
                .timeout_ms = (uint64_t)request->timeout_ms,
                .output_max = output_max,
                .report_max = report_max(request),
                .kernel = request->kernel,
                .code = parts->code.data,
                .code_len = parts->code.len,
                .size = {(uint32_t)request->terminal.columns, (uint32_t)request->terminal.rows}},
    };
    if (version->compile != NULL)
        execution->job.compile = (struct cell_step){.argv = parts->compile.argv,
                                                    .timeout_ms = version->compile_ms,
                                                    .output_max = output_max,
                                                    .memory_mb = version->compile_memory_mb};
    return 0;
}

void execution_job_free(struct execution *execution)
{
    struct execution_job *parts = execution->job_parts;

    if (parts == NULL)
        return;
    command_clear(&parts->run);
    command_clear(&parts->compile);
    free(parts->files);
    buf_free(&parts->code);
    free(parts);
    execution->job_parts = NULL;
}
