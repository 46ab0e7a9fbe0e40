/* What a cell gets for an execution: variables, files, argv, input, limits. */
#include "languages/command.h"
#include "run/execution_private.h"

#include <stdlib.h>
#include <string.h>

/* What belongs to the job alone; what it points to is the request's and the language's. */
struct job_text {
    struct run_command run, compile;
    struct cell_file *files;
};

/* A script that names its interpreter can be started by its path, as where it came from. */
static uint32_t file_mode(const void *data, size_t len)
{
    return len >= 2 && memcmp(data, "#!", 2) == 0 ? 0755 : 0644;
}

static struct cell_file *build_files(const struct execution_request *request)
{
    struct cell_file *files = calloc(request->files_len + 1, sizeof *files);

    if (files == NULL)
        return NULL;
    files[0] = (struct cell_file){.path = request->language->file, .data = request->code, .len = request->code_len};
    for (size_t i = 0; i < request->files_len; i++)
        files[i + 1] = request->files[i];
    for (size_t i = 0; i <= request->files_len; i++)
        files[i].mode = file_mode(files[i].data, files[i].len);
    return files;
}

int job_build(struct execution *execution)
{
    const struct execution_request *request = &execution->request;
    const struct language_version *version = request->version;
    const struct cell_limits *limits = &request->limits.cell,
                             compiler = run_compile_limits(limits, version->compile_memory_mb);
    uint64_t output_max = (uint64_t)request->limits.output_kb << 10;
    struct job_text *text = calloc(1, sizeof *text);

    execution->text = text;
    if (text == NULL)
        return -1;
    text->files = build_files(request);
    if (run_command_build(&text->run, version->run, version->env, limits, request->env, request->args) != 0 ||
        run_command_build(&text->compile, version->compile, version->env, &compiler, request->env, NULL) != 0 ||
        text->files == NULL)
        return -1;
    execution->job = (struct cell_job){
        .env = text->run.env,
        .files = text->files,
        .files_len = request->files_len + 1,
        .run = {text->run.argv, request->timeout_s * 1000, output_max, 0},
        .input = request->input,
        .input_len = request->input_len,
    };
    if (version->compile != NULL)
        execution->job.compile =
            (struct cell_step){text->compile.argv, version->compile_ms, output_max, version->compile_memory_mb};
    return 0;
}

void job_free(struct execution *execution)
{
    struct job_text *text = execution->text;

    if (text == NULL)
        return;
    run_command_clear(&text->run);
    run_command_clear(&text->compile);
    free(text->files);
    free(text);
    execution->text = NULL;
}
