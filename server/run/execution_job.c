/* What a cell gets for an execution: variables, files, argv, limits. */
#include "run/execution_private.h"

#include "languages/command.h"

#include <stdlib.h>
#include <string.h>

/* What was allocated for the job; the texts that it points to belong to the request and the language. */
struct execution_job {
    struct command run, compile;
    struct cell_file *files;
};

/* A script that names its interpreter is executable, as it probably was on the client's machine. */
static struct cell_file cell_file_of(const char *path, const char *data, size_t len)
{
    bool is_script = len >= 2 && memcmp(data, "#!", 2) == 0;

    return (struct cell_file){.path = path, .data = data, .len = len, .mode = is_script ? 0755 : 0644};
}

/* The program, the client's files, and the key of the report. */
static struct cell_file *build_files(const struct execution *execution)
{
    const struct execution_request *request = &execution->request;
    struct cell_file *files = calloc(request->files_len + 2, sizeof *files);

    if (files == NULL)
        return NULL;
    files[0] = cell_file_of(request->language->file, request->code, request->code_len);
    for (size_t i = 0; i < request->files_len; i++)
        files[i + 1] = cell_file_of(request->files[i].path, request->files[i].data, request->files[i].len);
    files[request->files_len + 1] = cell_file_of(EVALUATION_KEY_FILE, execution->evaluation_key, EVALUATION_KEY_LEN);
    return files;
}

int execution_job_build(struct execution *execution)
{
    const struct execution_request *request = &execution->request;
    const struct language_version *version = request->version;
    const struct cell_limits *limits = &request->limits.cell,
                             compiler = command_compile_limits(limits, version->compile_memory_mb);
    uint64_t output_max = (uint64_t)request->limits.output_kb << 10;
    struct execution_job *parts = calloc(1, sizeof *parts);

    execution->job_parts = parts;
    if (parts == NULL)
        return -1;
    parts->files = build_files(execution);
    if (command_build(&parts->run, request->evaluate ? version->evaluate : version->run, version->env, limits,
                      request->env, request->args) != 0 ||
        command_build(&parts->compile, version->compile, version->env, &compiler, request->env, NULL) != 0 ||
        parts->files == NULL)
        return -1;
    execution->job = (struct cell_job){
        .env = parts->run.env,
        .files = parts->files,
        .files_len = request->files_len + (request->evaluate ? 2 : 1),
        .run = {.argv = parts->run.argv,
                .timeout_ms = (uint64_t)request->timeout_ms,
                .output_max = output_max,
                .report_max = request->evaluate ? EVALUATION_REPORT_MAX : 0},
    };
    if (version->compile != NULL)
        execution->job.compile =
            (struct cell_step){parts->compile.argv, version->compile_ms, output_max, version->compile_memory_mb, 0};
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
    free(parts);
    execution->job_parts = NULL;
}
