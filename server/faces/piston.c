/* Piston, API version 2 (engineer-man/piston, api/src/api/v2.js and job.js). docs/faces/piston.md says what differs. */
#include "api/answers.h"
#include "api/body.h"
#include "api/execute_files.h"
#include "base/json.h"
#include "base/text.h"
#include "faces/face.h"
#include "run/request_path.h"

#include <stdlib.h>
#include <string.h>

#define RUN_MS 3000      /* the service's defaults (api/src/config.js) */
#define COMPILE_MS 10000 /* most that a client may name; the language's own limit holds */
#define CPU_MS_MOST 300000
#define NOTHING "\n" /* an empty input is one newline there */

enum { BOUND_RUN = 1, BOUND_STDIN, BOUND_MEMORY, BOUNDS };

/* By enum file_encoding. */
static const char *const encodings[] = {"utf8", "base64", "hex", NULL};
enum file_encoding { ENCODING_UTF8, ENCODING_BASE64, ENCODING_HEX };

struct piston_file {
    const char *name, *content;
    size_t len;
    int encoding;
};

struct piston_body {
    const char *language, *version, *input;
    size_t input_len;
    struct piston_file *files;
    size_t files_len;
    const char **args;
    int64_t run_ms, compile_ms, run_cpu_ms, compile_cpu_ms;
    int64_t run_memory, compile_memory; /* bytes; -1: the server's own limit */
};

static const struct field file_list[] = {
    {.name = "content",
     .type = FIELD_BYTES,
     .required = true,
     .at = offsetof(struct piston_file, content),
     .len_at = offsetof(struct piston_file, len)},
    {.name = "name", .type = FIELD_TEXT, .at = offsetof(struct piston_file, name)},
    {.name = "encoding", .type = FIELD_CHOICE, .choices = encodings, .at = offsetof(struct piston_file, encoding)},
};
static const struct fields file_fields = FIELDS(file_list, sizeof(struct piston_file));

static const struct field body_list[] = {
    {.name = "language",
     .type = FIELD_TEXT,
     .required = true,
     .least = 1,
     .most = REQUEST_LANGUAGE_MAX,
     .at = offsetof(struct piston_body, language)},
    {.name = "version",
     .type = FIELD_TEXT,
     .required = true,
     .least = 1,
     .most = VERSION_RANGE_MAX,
     .at = offsetof(struct piston_body, version)},
    {.name = "files",
     .type = FIELD_OBJECTS,
     .required = true,
     .least = 1,
     .most = EXECUTE_FILES_MAX + 1,
     .inside = &file_fields,
     .at = offsetof(struct piston_body, files),
     .len_at = offsetof(struct piston_body, files_len)},
    {.name = "stdin",
     .type = FIELD_BYTES,
     .bound = BOUND_STDIN,
     .at = offsetof(struct piston_body, input),
     .len_at = offsetof(struct piston_body, input_len)},
    {.name = "args",
     .type = FIELD_TEXTS,
     .most = EXECUTE_ARGS_MAX,
     .total = EXECUTE_ARGS_BYTES,
     .at = offsetof(struct piston_body, args)},
    {.name = "run_timeout", .type = FIELD_INTEGER, .bound = BOUND_RUN, .at = offsetof(struct piston_body, run_ms)},
    {.name = "compile_timeout",
     .type = FIELD_INTEGER,
     .most = COMPILE_MS,
     .at = offsetof(struct piston_body, compile_ms)},
    {.name = "run_cpu_time",
     .type = FIELD_INTEGER,
     .most = CPU_MS_MOST,
     .at = offsetof(struct piston_body, run_cpu_ms)},
    {.name = "compile_cpu_time",
     .type = FIELD_INTEGER,
     .most = CPU_MS_MOST,
     .at = offsetof(struct piston_body, compile_cpu_ms)},
    {.name = "run_memory_limit",
     .type = FIELD_INTEGER,
     .least = -1,
     .bound = BOUND_MEMORY,
     .at = offsetof(struct piston_body, run_memory)},
    {.name = "compile_memory_limit",
     .type = FIELD_INTEGER,
     .least = -1,
     .bound = BOUND_MEMORY,
     .at = offsetof(struct piston_body, compile_memory)},
};
static const struct fields body_fields = FIELDS(body_list, sizeof(struct piston_body));

/* The request. */

/* The bytes of a file. */
static int piston_decode(struct execution_request *request, struct piston_file *file, size_t i, struct error *error)
{
    if (file->encoding == ENCODING_UTF8)
        return 0;
    char *data = arena_alloc(&request->arena, file->len / 4 * 3 + file->len / 2 + 1);
    if (data == NULL)
        return error_memory(error);
    long len = file->encoding == ENCODING_BASE64 ? text_base64_decode(file->content, file->len, data)
                                                 : text_hex_decode(file->content, file->len, data);
    if (len < 0)
        return error_set(error, ERROR_INVALID, "files[%zu].content is not %s", i, encodings[file->encoding]);
    file->content = data;
    file->len = (size_t)len;
    return 0;
}

static int take_file(struct execution_request *request, struct piston_file *from, size_t i, struct error *error)
{
    const char *name =
        from->name != NULL && *from->name != '\0' ? from->name : arena_printf(&request->arena, "file%zu.code", i);

    if (name == NULL)
        return error_memory(error);
    if (!request_path_is_safe(name))
        return error_set(error, ERROR_INVALID, "files[%zu].name must be a relative path without '.' or '..'", i);
    request->files[i - 1] =
        (struct request_file){.path = name,
                              .data = from->content,
                              .len = from->len,
                              .kind = from->encoding == ENCODING_UTF8 ? REQUEST_FILE_TEXT : REQUEST_FILE_BINARY};
    return 0;
}

/* The first file is the program, the others lie beside it. */
static int take_files(struct execution_request *request, const struct piston_body *body,
                      const struct execute_rules *rules, struct error *error)
{
    struct request_file *files = arena_alloc(&request->arena, body->files_len * sizeof *files);

    if (files == NULL)
        return error_memory(error);
    for (size_t i = 0; i < body->files_len; i++)
        if (piston_decode(request, &body->files[i], i, error) != 0)
            return -1;
    if (body->files[0].len == 0 || body->files[0].len > rules->max_code)
        return error_set(error, ERROR_INVALID, "files[0].content must be 1 to %zu bytes", rules->max_code);
    request->code = body->files[0].content;
    request->code_len = body->files[0].len;
    request->files = files;
    request->files_len = body->files_len - 1;
    for (size_t i = 1; i < body->files_len; i++)
        if (take_file(request, &body->files[i], i, error) != 0)
            return -1;
    return execute_files_check(request, error);
}

/* A program that reads a line gets one, also if the client sent none. */
static int take_input(struct execution_request *request, const struct piston_body *body)
{
    bool ends = body->input_len > 0 && body->input[body->input_len - 1] == '\n';

    request->input = ends ? body->input : NOTHING;
    request->input_len = ends ? body->input_len : 1;
    if (ends || body->input_len == 0)
        return 0;
    char *text = arena_alloc(&request->arena, body->input_len + 2);
    if (text == NULL)
        return -1;
    memcpy(text, body->input, body->input_len);
    memcpy(text + body->input_len, "\n", 2);
    request->input = text;
    request->input_len = body->input_len + 1;
    return 0;
}

static int take_limits(struct execution_request *request, const struct piston_body *body,
                       const struct execute_rules *rules, struct error *error)
{
    int64_t longest = rules->max_timeout * 1000, least = (int64_t)limits_minima.cell.memory_mb;

    request->timeout_ms = body->run_ms > 0 ? body->run_ms : RUN_MS;
    if (request->timeout_ms > longest)
        request->timeout_ms = longest;
    if (body->run_memory <= 0)
        return 0;
    int64_t memory_mb = body->run_memory >> 20;
    if (memory_mb < least)
        return error_set(error, ERROR_INVALID, "run_memory_limit must be -1 or at least %lld", (long long)least << 20);
    request->overrides.value[LIMIT_MEMORY] = memory_mb;
    return 0;
}

static int piston_read(const void *context, struct execution_request *request, char *text, size_t len,
                       const struct execute_rules *rules, size_t *cost, struct error *error)
{
    struct piston_body body = {.run_memory = -1, .compile_memory = -1};
    const int64_t bounds[BOUNDS] = {[BOUND_RUN] = rules->max_timeout * 1000,
                                    [BOUND_STDIN] = (int64_t)rules->max_stdin,
                                    [BOUND_MEMORY] = (int64_t)rules->maxima.cell.memory_mb << 20};
    struct version_range range;

    (void)context;
    *request = (struct execution_request){.timeout_ms = RUN_MS};
    if (body_read(request, &body_fields, bounds, text, len, &body, cost, error) != 0 ||
        take_files(request, &body, rules, error) != 0 || take_limits(request, &body, rules, error) != 0)
        return -1;
    if (version_range_read(&range, body.version) != 0)
        return error_set(error, ERROR_INVALID, "%s-%s runtime is unknown", body.language, body.version);
    request->language_name = body.language;
    request->version_range = body.version;
    request->args = body.args;
    *cost += request->arena.size;
    return take_input(request, &body) != 0 ? error_memory(error) : 0;
}

static void piston_unknown(struct buf *sentence, const struct execution_request *request)
{
    buf_printf(sentence, "%s-%s runtime is unknown", request->language_name, request->version_range);
}

/* The answer. */

static json_t *milliseconds(int64_t ns)
{
    return ns < 0 ? json_null() : json_integer((ns + 500000) / 1000000);
}

/* Why the service would say that the program was ended; NULL: it ended by itself. */
static const char *status_of(const struct execution_result *result)
{
    if (result->timed_out)
        return "TO";
    if (result->signal != 0 || result->status == RECORD_OUT_OF_MEMORY)
        return "SG";
    return result->exit_code != 0 ? "RE" : NULL;
}

static const char *message_of(const struct execution_result *result, const struct execution_output *output)
{
    if (result->timed_out)
        return "Time limit exceeded";
    if (result->memory_struck && result->exit_code != 0)
        return "Memory limit exceeded";
    if (output->out_cut)
        return "stdout length exceeded";
    return output->err_cut ? "stderr length exceeded" : NULL;
}

static void stage_output(json_t *stage, const struct execution_output *output, const struct buf *both)
{
    bool cut = output->out_cut || output->err_cut;

    json_object_set_new(stage, "stdout", execute_answer_text(&output->out, output->out_cut));
    json_object_set_new(stage, "stderr", execute_answer_text(&output->err, output->err_cut));
    json_object_set_new(stage, "output", execute_answer_text(both, cut));
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static json_t *run_stage(const struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;
    const char *status = status_of(result);
    bool killed = status != NULL && strcmp(status, "RE") != 0;
    json_t *stage = json_object();

    json_object_set_new(stage, "signal",
                        !killed               ? json_null()
                        : result->signal == 0 ? json_string("SIGKILL")
                                              : execute_answer_signal(result->signal));
    stage_output(stage, &result->run, &answer->both[1]);
    json_object_set_new(stage, "code", killed ? json_null() : json_integer(result->exit_code));
    json_object_set_new(stage, "memory", result->peak_bytes < 0 ? json_null() : json_integer(result->peak_bytes));
    json_object_set_new(stage, "message", text_or_null(message_of(result, &result->run)));
    json_object_set_new(stage, "status", text_or_null(status));
    json_object_set_new(stage, "cpu_time", milliseconds(result->cpu_ns));
    json_object_set_new(stage, "wall_time", milliseconds(result->wall_ns));
    return stage;
}

static json_t *compile_stage(const struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;
    bool failed = result->compile_exit_code != 0, killed = result->compile_timed_out;
    json_t *stage = json_object();

    json_object_set_new(stage, "signal", killed ? json_string("SIGKILL") : json_null());
    stage_output(stage, &result->compile, &answer->both[0]);
    json_object_set_new(stage, "code", killed ? json_null() : json_integer(result->compile_exit_code));
    json_object_set_new(stage, "memory",
                        result->compile_peak_bytes <= 0 ? json_null() : json_integer(result->compile_peak_bytes));
    json_object_set_new(stage, "message", killed ? json_string("Time limit exceeded") : json_null());
    json_object_set_new(stage, "status", killed ? json_string("TO") : failed ? json_string("RE") : json_null());
    json_object_set_new(stage, "cpu_time", milliseconds(result->compile_cpu_ns));
    json_object_set_new(stage, "wall_time", milliseconds(result->compile_wall_ns));
    return stage;
}

/* A program that was not compiled has no run of its own: the service shows the compiler's stage in its place. */
static json_t *answer_object(const struct execute_answer *answer)
{
    json_t *compile = answer->result.compiled ? compile_stage(answer) : NULL;
    bool ended = execute_answer_ended_in_compiler(&answer->result);
    json_t *object = json_pack("{s:o}", "run", ended ? json_incref(compile) : run_stage(answer));

    if (compile != NULL)
        json_object_set_new(object, "compile", compile);
    json_object_set_new(object, "language", json_string(answer->language));
    json_object_set_new(object, "version", json_string(answer->version));
    return object;
}

static int piston_encode(const void *context, struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;
    json_t *object;

    (void)context;
    answer->status = 200;
    if (result->failure != NULL) {
        answer->status = result->unavailable ? 429 : 500;
        object = json_pack("{s:s}", "message", result->failure);
    } else {
        object = answer_object(answer);
    }
    answer->text = object != NULL ? json_text(object, &answer->len) : NULL;
    json_decref(object);
    return answer->text != NULL ? 0 : -1;
}

static const struct translation piston = {
    .interleaves = true, .read = piston_read, .encode = piston_encode, .unknown_language = piston_unknown};

static void piston_execute(struct http_exchange *ex)
{
    execute_as(ex, &piston, NULL);
}

/* The lists. */

static json_t *aliases_of(const struct language *language)
{
    json_t *list = json_array();

    for (char **alias = language->aliases; *alias != NULL; alias++)
        json_array_append_new(list, json_string(*alias));
    return list;
}

static json_t *runtime_of(const struct language *language, const struct language_version *version)
{
    return json_pack("{s:s, s:s, s:o}", "language", language->id, "version", version->reported, "aliases",
                     aliases_of(language));
}

static json_t *package_of(const struct language *language, const struct language_version *version)
{
    return json_pack("{s:s, s:s, s:b}", "language", language->id, "language_version", version->reported, "installed",
                     1);
}

/* An item for each version that can run. */
static void respond_list(struct http_exchange *ex,
                         json_t *(*item)(const struct language *language, const struct language_version *version))
{
    struct catalog *languages = api_of(ex)->languages;
    struct language_version *versions[LANGUAGE_VERSIONS_MAX];
    json_t *list = json_array();

    for (size_t i = 0; i < catalog_count(languages); i++) {
        const struct language *language = catalog_at(languages, i);
        size_t count = language_versions(language, versions);
        for (size_t j = 0; j < count; j++)
            json_array_append_new(list, item(language, versions[j]));
    }
    api_respond(ex, 200, list);
}

static void piston_runtimes(struct http_exchange *ex)
{
    respond_list(ex, runtime_of);
}

static void piston_packages(struct http_exchange *ex)
{
    respond_list(ex, package_of);
}

static void piston_install(struct http_exchange *ex)
{
    http_respond_error(ex, 403, "Packages are images of the server, and cannot be changed here");
}

/* Errors. */

static int piston_status(int status)
{
    return status == 503 ? 429 : status;
}

static char *piston_error(int status, const char *detail, size_t *len)
{
    json_t *object = json_pack("{s:s}", "message", status == 404 ? "Not Found" : detail);
    char *text = object != NULL ? json_text(object, len) : NULL;

    json_decref(object);
    return text;
}

#define RUNS (API_KEY | API_EXECUTE | API_COUNTS)

static const struct http_route routes[] = {
    {"POST", "/api/v2/execute", piston_execute, RUNS},
    {"POST", "/api/v2/piston/execute", piston_execute, RUNS},
    {"GET", "/api/v2/runtimes", piston_runtimes, 0},
    {"GET", "/api/v2/piston/runtimes", piston_runtimes, 0},
    {"GET", "/api/v2/packages", piston_packages, 0},
    {"GET", "/api/v2/piston/packages", piston_packages, 0},
    {"POST", "/api/v2/packages", piston_install, 0},
    {"DELETE", "/api/v2/packages", piston_install, 0},
    {.method = NULL},
};

static const char *const covers[] = {"/api/v2", NULL};

static const struct http_key_place keys[] = {
    {HTTP_KEY_AUTHORIZATION, "Bearer"},
    {HTTP_KEY_HEADER, "X-API-Key"},
    {HTTP_KEY_NONE, NULL},
};

const struct face face_piston = {
    .name = "piston",
    .title = "Piston v2",
    .routes = routes,
    .covers = covers,
    .manners = {.error_type = "application/json; charset=utf-8",
                .error_body = piston_error,
                .error_status = piston_status,
                .keys = keys,
                .cost = 1},
    .credits = 1,
};
