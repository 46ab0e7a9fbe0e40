#include "run/request.h"

#include "base/buf.h"
#include "run/evaluation.h"
#include "run/request_path.h"
#include "run/request_text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void request_free(struct execution_request *request)
{
    arena_free(&request->arena);
    *request = (struct execution_request){.code = NULL};
}

int request_warn(struct execution_request *request, const char *format, ...)
{
    char sentence[512]; /* quotes are short (REQUEST_QUOTED_MAX) */
    va_list args;

    if (request->warnings_len >= REQUEST_WARNINGS_MAX)
        return 0;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    const char *copy = arena_printf(&request->arena, "%s", sentence);
    if (copy == NULL)
        return -1;
    request->warnings[request->warnings_len++] = copy;
    return 0;
}

void request_note(struct execution_request *request, const char *sentence)
{
    assert(request->warnings_len < sizeof request->warnings / sizeof *request->warnings);
    request->warnings[request->warnings_len++] = sentence;
}

/* "version: no Python 3.9; there are 3.13.5, 3.11.2" */
static void no_such_version(const struct language *language, const char *wanted, struct error *error)
{
    struct language_version *versions[LANGUAGE_VERSIONS_MAX];
    size_t count = language_versions(language, versions);
    struct buf list;

    if (!language_asked(language)) {
        error_set(error, ERROR_UNAVAILABLE, "%s", REQUEST_NOT_YET);
        return;
    }
    buf_init(&list, (size_t)LANGUAGE_VERSIONS_MAX * (VERSION_REPORTED_MAX + 2));
    for (size_t i = 0; i < count; i++)
        buf_printf(&list, "%s%s", i == 0 ? "" : ", ", versions[i]->reported);
    error_set(error, ERROR_INVALID, "version: no %s %s; there are %s", language->name, wanted,
              list.data != NULL ? list.data : "");
    buf_free(&list);
}

struct language_version *request_choose_version(struct language *language, const char *wanted,
                                                struct language_version *default_version, struct error *error)
{
    struct version_range range;

    if (wanted == NULL)
        return default_version;
    if (version_range_parse(&range, wanted, error) != 0)
        return NULL;
    struct language_version *version = language_choose(language, &range, default_version->name);
    if (version == NULL)
        no_such_version(language, wanted, error);
    return version;
}

static int settle_evaluate(const struct execution_request *request, struct error *error)
{
    const struct language *language = request->language;
    const struct language_version *version = request->version;
    bool others = version->name != NULL; /* the language itself may support it */

    if (!request->evaluate || version->evaluate != NULL)
        return 0;
    return error_set(error, ERROR_INVALID, "evaluate: %s%s%s does not support it%s%s", language->name,
                     others ? " " : "", others ? version->name : "", language->evaluators != NULL ? "; " : "",
                     language->evaluators != NULL ? language->evaluators : "");
}

static int settle_kernel(const struct execution_request *request, struct error *error)
{
    const struct language *language = request->language;
    const struct language_version *version = request->version;
    bool others = version->name != NULL; /* the language itself may have one */

    if (!request->kernel)
        return 0;
    if (request->workspace == NULL)
        return error_set(error, ERROR_INVALID, "kernel: the session has no workspace");
    if (version->kernel != NULL)
        return 0;
    return error_set(error, ERROR_INVALID, "kernel: %s%s%s does not support it%s%s", language->name, others ? " " : "",
                     others ? version->name : "", language->kernels != NULL ? "; " : "",
                     language->kernels != NULL ? language->kernels : "");
}

/* The code and the files must fit into the cell's disk, and no file may take the program's own place. A kernel gets its
 * code without a file. */
static int settle_files(const struct execution_request *request, struct error *error)
{
    size_t bytes = request->code_len;

    for (size_t i = 0; i < request->files_len; i++) {
        if (!request->kernel && request_path_collides(request->files[i].path, request->language->file))
            return error_set(error, ERROR_INVALID, "files[%zu].path: collides with the program's own file, %s", i,
                             request->language->file);
        if (request->evaluate && request_path_collides(request->files[i].path, EVALUATION_KEY_FILE))
            return error_set(error, ERROR_INVALID, "files[%zu].path: collides with a file of evaluate, %s", i,
                             EVALUATION_KEY_FILE);
        bytes += request->files[i].len;
    }
    if (bytes > (size_t)request->limits.cell.disk_mb << 20)
        return error_set(error, ERROR_INVALID, "limits.disk_mb: the code and the files do not fit into %u MiB",
                         request->limits.cell.disk_mb);
    return 0;
}

int request_settle(struct execution_request *request, struct language *language,
                   struct language_version *default_version, const struct limits *maxima, struct error *error)
{
    request->language = language;
    request->limits = language->limits;
    request->version = request_choose_version(language, request->version_range, default_version, error);
    if (request->version == NULL)
        return -1;
    if (settle_evaluate(request, error) != 0 || settle_kernel(request, error) != 0 ||
        limits_override(&request->limits, &request->overrides, maxima, error) != 0)
        return -1;
    if (request->limits_rise)
        limits_rise(&request->limits, &request->version->least);
    if (limits_suffice(&request->limits, &request->version->least, language->name, error) != 0 ||
        request_text_settle(request, error) != 0)
        return -1;
    return settle_files(request, error);
}
