#include "checks.h"

#include "api/execute_files.h"
#include "api/settings.h"
#include "base/text.h"
#include "run/request_path.h"
#include "store/records.h"

#include <stdlib.h>
#include <string.h>

const struct execute_rules check_rules = {
    .max_code = 4096,
    .max_stdin = 4096,
    .max_timeout = 300,
    .maxima = {.cell = {.milli_cpus = 2000, .memory_mb = 2048, .disk_mb = 1024, .processes = 256}, .output_kb = 16384},
};

void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_environment(const struct execution_request *request)
{
    size_t n = 0;

    for (; request->env != NULL && request->env[n] != NULL; n++)
        must(strchr(request->env[n], '=') > request->env[n]);
    must(n <= SETTINGS_NAMES_MAX);
}

static void check_files(const struct execution_request *request)
{
    size_t bytes = 0;

    must(request->files_len <= EXECUTE_FILES_MAX);
    for (size_t i = 0; i < request->files_len; i++) {
        must(request_path_is_safe(request->files[i].path));
        for (size_t j = 0; j < i; j++)
            must(!request_path_collides(request->files[i].path, request->files[j].path));
        bytes += request->files[i].len;
    }
    must(bytes <= EXECUTE_FILES_BYTES);
}

void check_read(const struct execution_request *request)
{
    must(request->language_name != NULL || request->session_id != NULL); /* a session may say it */
    must(request->code_len > 0 && request->code_len <= check_rules.max_code);
    must(request->input_len <= check_rules.max_stdin + 1); /* a face may add a newline */
    must(request->timeout_ms > 0 && request->timeout_ms <= 300000);
    must(request->session_id == NULL || strlen(request->session_id) <= SESSION_ID_MAX);
    must(request->warnings_len <= REQUEST_WARNINGS_MAX);
    check_environment(request);
    check_files(request);
}

void check_error(const struct error *error)
{
    must(error->code == ERROR_INVALID || error->code == ERROR_TOO_LARGE);
    must(error->text[0] != '\0' && text_is_utf8(error->text, strlen(error->text)));
}

/* What is left of the code when marks and line ends are mended, and what is told of them. */
static void check_mended(const struct execution_request *request)
{
    must(request->code_len > 0 && request->code_len <= check_rules.max_code);
    must(request->warnings_len <= REQUEST_WARNINGS_MAX);
    for (size_t i = 0; i < request->warnings_len; i++)
        must(text_is_utf8(request->warnings[i], strlen(request->warnings[i])));
}

void check_settled(struct execution_request *request)
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
    struct error error = {0};

    if (request_settle(request, &language, versions, &check_rules.maxima, &error) != 0) {
        check_error(&error);
        return;
    }
    must(request->version == &versions[0] || request->version == &versions[1]);
    check_mended(request);
}
