/* What a cell gets for an execution: variables, files, argv, input, limits. */
#include "run/execution_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Arrays that belong to the job alone; what they point to is the request's and the language's. */
struct job_text {
    const char **env;
    const char **argv;
    struct cell_file *files;
    char threads[2][40];
};

static size_t count(const char *const *list)
{
    size_t n = 0;

    while (list != NULL && list[n] != NULL)
        n++;
    return n;
}

static void append(const char **out, size_t *n, const char *const *list)
{
    for (; list != NULL && *list != NULL; list++)
        out[(*n)++] = *list;
}

/* a, then b, then c, then NULL. */
static const char **join(const char *const *a, const char *const *b, const char *const *c)
{
    const char **out = calloc(count(a) + count(b) + count(c) + 1, sizeof *out);
    size_t n = 0;

    if (out == NULL)
        return NULL;
    append(out, &n, a);
    append(out, &n, b);
    append(out, &n, c);
    return out;
}

/* numpy and others start a thread per core of the host, and die under a limit of processes. */
static const char **build_env(struct job_text *text, const struct execution_request *request)
{
    unsigned threads = (request->limits.cell.milli_cpus + 999) / 1000;

    snprintf(text->threads[0], sizeof text->threads[0], "OMP_NUM_THREADS=%u", threads);
    snprintf(text->threads[1], sizeof text->threads[1], "OPENBLAS_NUM_THREADS=%u", threads);
    return join((const char *const[]){text->threads[0], text->threads[1], NULL},
                (const char *const *)request->language->env, request->env);
}

static struct cell_file *build_files(const struct execution_request *request)
{
    struct cell_file *files = calloc(request->files_len + 1, sizeof *files);

    if (files == NULL)
        return NULL;
    files[0] = (struct cell_file){
        .path = request->language->file, .data = request->code, .len = request->code_len, .mode = 0644};
    for (size_t i = 0; i < request->files_len; i++)
        files[i + 1] = request->files[i];
    return files;
}

int job_build(struct execution *execution)
{
    const struct execution_request *request = &execution->request;
    const struct language *language = request->language;
    uint64_t output_max = (uint64_t)request->limits.output_kb << 10;
    struct job_text *text = calloc(1, sizeof *text);

    execution->text = text;
    if (text == NULL)
        return -1;
    text->env = build_env(text, request);
    text->argv = join((const char *const *)language->run, request->args, NULL);
    text->files = build_files(request);
    if (text->env == NULL || text->argv == NULL || text->files == NULL)
        return -1;
    execution->job = (struct cell_job){
        .env = text->env,
        .files = text->files,
        .files_len = request->files_len + 1,
        .run = {text->argv, request->timeout_s * 1000, output_max},
        .input = request->input,
        .input_len = request->input_len,
    };
    if (language->compile != NULL)
        execution->job.compile =
            (struct cell_step){(const char *const *)language->compile, language->compile_ms, output_max};
    return 0;
}

void job_free(struct execution *execution)
{
    struct job_text *text = execution->text;

    if (text == NULL)
        return;
    free(text->env);
    free(text->argv);
    free(text->files);
    free(text);
    execution->text = NULL;
}
