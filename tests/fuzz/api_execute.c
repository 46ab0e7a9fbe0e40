/* A body of POST /execute: whatever it is, it is read or refused with a sentence, and what was read holds. */
#include "api/execute_files.h"
#include "api/execute_read.h"
#include "base/error.h"
#include "base/text.h"
#include "run/request_codec.h"
#include "run/request_path.h"
#include "store/records.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct execute_rules rules = {
    .max_code = 4096,
    .max_stdin = 4096,
    .max_timeout = 300,
    .maxima = {.cell = {.milli_cpus = 2000, .memory_mb = 2048, .disk_mb = 1024, .processes = 256}, .output_kb = 16384},
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_environment(const struct execution_request *request)
{
    size_t n = 0;

    for (; request->env != NULL && request->env[n] != NULL; n++)
        must(strchr(request->env[n], '=') > request->env[n]);
    must(n <= EXECUTE_NAMES_MAX);
}

static void check_files(const struct execution_request *request)
{
    must(request->files_len <= EXECUTE_FILES_MAX);
    for (size_t i = 0; i < request->files_len; i++) {
        must(request_path_is_safe(request->files[i].path));
        for (size_t j = 0; j < i; j++)
            must(!request_path_collides(request->files[i].path, request->files[j].path));
    }
}

static void check_read(const struct execution_request *request)
{
    must(request->code_len > 0 && request->code_len <= rules.max_code);
    must(request->input_len <= rules.max_stdin);
    must(request->timeout_ms >= 1000 && request->timeout_ms <= 300000);
    must(request->session_id == NULL || strlen(request->session_id) <= SESSION_ID_MAX);
    must(request->warnings_len <= REQUEST_WARNINGS_MAX);
    check_environment(request);
    check_files(request);
}

/* What is left of the code when marks and line ends are mended, and what is told of them. */
static void check_settled(const struct execution_request *request)
{
    must(request->code_len > 0 && request->code_len <= rules.max_code);
    must(request->warnings_len <= REQUEST_WARNINGS_MAX);
    for (size_t i = 0; i < request->warnings_len; i++)
        must(text_is_utf8(request->warnings[i], strlen(request->warnings[i])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *aliases[] = {(char[]){"sh"}, NULL};
    struct language_version versions[] = {{.offered = true, .number = "14.2.0", .reported = "14.2.0"},
                                          {.offered = true, .number = "12.3", .reported = "12.3"}};
    struct language language = {.id = (char[]){"c"},
                                .name = (char[]){"C"},
                                .aliases = aliases,
                                .file = (char[]){"main.c"},
                                .lines_lf = true,
                                .limits = limits_defaults,
                                .versions = versions,
                                .versions_len = 2};
    struct execution_request request;
    struct error error = {0};
    size_t cost;
    char *text = malloc(size + 1); /* it is written over */

    must(text != NULL);
    memcpy(text, data, size);
    int result = execute_read(&request, text, size, &rules, &cost, &error);
    free(text);
    if (result == 0) {
        check_read(&request);
        if (request_settle(&request, &language, versions, &rules.maxima, &error) != 0)
            must(error.code == ERROR_INVALID && text_is_utf8(error.text, strlen(error.text)));
        else {
            must(request.version == &versions[0] || request.version == &versions[1]);
            check_settled(&request);
        }
    } else {
        must(error.code == ERROR_INVALID && text_is_utf8(error.text, strlen(error.text)));
    }
    request_free(&request);
    return 0;
}
