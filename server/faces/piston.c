/* Piston, API version 2 (engineer-man/piston, api/src/api/v2.js and job.js). docs/faces/piston.md says what differs. */
#include "api/answers.h"
#include "api/body.h"
#include "api/execute_files.h"
#include "base/json.h"
#include "base/text.h"
#include "faces/face.h"
#include "run/request_path.h"

#include <signal.h>
#include <string.h>

#define RUN_MS 3000            /* the service's default (api/src/config.js) */
#define IGNORED_MS_MOST 300000 /* of the limits that are read and not kept: the language's own hold */
#define NOTHING "\n"           /* an empty program, and an empty input, is one newline */

enum { BOUND_RUN = 1, BOUND_STDIN, BOUND_MEMORY, BOUNDS };

struct piston_file {
    const char *name;     /* NULL: file<i>.code */
    const char *encoding; /* "base64" or "hex"; anything else, and NULL, is text, as it is there */
    const char *content;
    size_t len;
};

struct piston_body {
    const char *language, *version, *input;
    size_t input_len;
    struct piston_file *files;
    size_t files_len;
    const char **args;
    int64_t run_ms, compile_ms, run_cpu_ms, compile_cpu_ms; /* 0: not named */
    int64_t run_memory, compile_memory;                     /* bytes; 0 and -1: the language's own limit */
};

static const struct field file_list[] = {
    {.name = "content",
     .type = FIELD_BYTES,
     .required = true,
     .at = offsetof(struct piston_file, content),
     .len_at = offsetof(struct piston_file, len)},
    {.name = "name", .type = FIELD_TEXT, .empty_is_absent = true, .at = offsetof(struct piston_file, name)},
    {.name = "encoding", .type = FIELD_TEXT, .at = offsetof(struct piston_file, encoding)},
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
     .empty_is_absent = true,
     .at = offsetof(struct piston_body, args)},
    {.name = "run_timeout",
     .type = FIELD_INTEGER,
     .bound = BOUND_RUN,
     .empty_is_absent = true,
     .at = offsetof(struct piston_body, run_ms)},
    {.name = "compile_timeout",
     .type = FIELD_INTEGER,
     .most = IGNORED_MS_MOST,
     .empty_is_absent = true,
     .at = offsetof(struct piston_body, compile_ms)},
    {.name = "run_cpu_time",
     .type = FIELD_INTEGER,
     .most = IGNORED_MS_MOST,
     .empty_is_absent = true,
     .at = offsetof(struct piston_body, run_cpu_ms)},
    {.name = "compile_cpu_time",
     .type = FIELD_INTEGER,
     .most = IGNORED_MS_MOST,
     .empty_is_absent = true,
     .at = offsetof(struct piston_body, compile_cpu_ms)},
    {.name = "run_memory_limit",
     .type = FIELD_INTEGER,
     .least = -1,
     .bound = BOUND_MEMORY,
     .empty_is_absent = true,
     .at = offsetof(struct piston_body, run_memory)},
    {.name = "compile_memory_limit",
     .type = FIELD_INTEGER,
     .least = -1,
     .bound = BOUND_MEMORY,
     .empty_is_absent = true,
     .at = offsetof(struct piston_body, compile_memory)},
};
static const struct fields body_fields = FIELDS(body_list, sizeof(struct piston_body));

/* The request. */

static bool is_encoded(const struct piston_file *file, const char *encoding)
{
    return file->encoding != NULL && strcmp(file->encoding, encoding) == 0;
}

static bool file_is_text(const struct piston_file *file)
{
    return !is_encoded(file, "base64") && !is_encoded(file, "hex");
}

/* Bytes of a file after decoding. For base64 it is up to two more. */
static size_t decoded_size(const struct piston_file *file)
{
    if (is_encoded(file, "base64"))
        return file->len / 4 * 3;
    return is_encoded(file, "hex") ? file->len / 2 : file->len;
}

/* The program is the first file that is text, and the first of all if none is. */
static size_t find_program(const struct piston_body *body)
{
    for (size_t i = 0; i < body->files_len; i++)
        if (file_is_text(&body->files[i]))
            return i;
    return 0;
}

/* Before anything is decoded. */
static int check_sizes(const struct piston_body *body, size_t program, size_t max_code, struct error *error)
{
    size_t bytes = 0;

    if (decoded_size(&body->files[program]) > max_code)
        return error_set(error, ERROR_INVALID, "files[%zu].content: must be at most %zu bytes", program, max_code);
    for (size_t i = 0; i < body->files_len; i++)
        bytes += i != program ? decoded_size(&body->files[i]) : 0;
    if (bytes > EXECUTE_FILES_BYTES)
        return error_set(error, ERROR_INVALID, "files: must be at most %u bytes in all", EXECUTE_FILES_BYTES);
    return 0;
}

static int piston_decode(struct execution_request *request, struct piston_file *file, size_t i, struct error *error)
{
    if (file_is_text(file))
        return 0;
    char *data = arena_alloc(&request->arena, decoded_size(file) + 1);
    if (data == NULL)
        return error_memory(error);
    long len = is_encoded(file, "base64") ? text_base64_decode(file->content, file->len, data)
                                          : text_hex_decode(file->content, file->len, data);
    if (len < 0)
        return error_set(error, ERROR_INVALID, "files[%zu].content: must be %s", i, file->encoding);
    file->content = data;
    file->len = (size_t)len;
    return 0;
}

/* Gives the file its name, and checks it. The program is kept under its language's own name, whatever its name is. */
static int check_name(struct execution_request *request, struct piston_body *body, size_t program, size_t i,
                      struct error *error)
{
    struct piston_file *file = &body->files[i];

    if (file->name == NULL && (file->name = arena_printf(&request->arena, "file%zu.code", i)) == NULL)
        return error_memory(error);
    if (!request_path_is_safe(file->name))
        return error_set(error, ERROR_INVALID,
                         "files[%zu].name: must be a relative path without empty segments, '.' or '..'", i);
    for (size_t j = 0; j < i; j++)
        if (j != program && request_path_collides(file->name, body->files[j].name))
            return error_set(error, ERROR_INVALID, "files[%zu].name: collides with files[%zu].name", i, j);
    return 0;
}

/* The files beside the program. */
static int take_files(struct execution_request *request, struct piston_body *body, size_t program, struct error *error)
{
    request->files = arena_alloc(&request->arena, body->files_len * sizeof *request->files);
    if (request->files == NULL)
        return error_memory(error);
    for (size_t i = 0; i < body->files_len; i++) {
        const struct piston_file *file = &body->files[i];
        if (i == program)
            continue;
        if (check_name(request, body, program, i, error) != 0)
            return -1;
        request->files[request->files_len++] =
            (struct request_file){.path = file->name,
                                  .data = file->content,
                                  .len = file->len,
                                  .kind = file_is_text(file) ? REQUEST_FILE_TEXT : REQUEST_FILE_BINARY};
    }
    return 0;
}

static int take_contents(struct execution_request *request, struct piston_body *body, const struct execute_rules *rules,
                         struct error *error)
{
    size_t program = find_program(body);
    const struct piston_file *file = &body->files[program];

    if (check_sizes(body, program, rules->max_code, error) != 0)
        return -1;
    for (size_t i = 0; i < body->files_len; i++)
        if (piston_decode(request, &body->files[i], i, error) != 0)
            return -1;
    request->code = file->len > 0 ? file->content : NOTHING;
    request->code_len = file->len > 0 ? file->len : 1;
    return take_files(request, body, program, error);
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
    text[body->input_len] = '\n';
    request->input = text;
    request->input_len = body->input_len + 1;
    return 0;
}

/* There clients name one memory limit for every language, so one that is too low for its language rises to the least
 * one that works. */
static void take_limits(struct execution_request *request, const struct piston_body *body,
                        const struct execute_rules *rules)
{
    int64_t longest = rules->max_timeout * 1000, memory_mb = body->run_memory >> 20;

    request->timeout_ms = body->run_ms > 0 ? body->run_ms : RUN_MS;
    if (request->timeout_ms > longest)
        request->timeout_ms = longest;
    request->limits_rise = true;
    if (body->run_memory > 0)
        request->overrides.value[LIMIT_MEMORY] =
            memory_mb > limits_minima.cell.memory_mb ? memory_mb : limits_minima.cell.memory_mb;
}

static int piston_read(const void *context, struct execution_request *request, char *text, size_t len,
                       const struct execute_rules *rules, size_t *cost, struct error *error)
{
    struct piston_body body = {.run_ms = 0};
    const int64_t bounds[BOUNDS] = {[BOUND_RUN] = rules->max_timeout * 1000,
                                    [BOUND_STDIN] = (int64_t)rules->max_stdin,
                                    [BOUND_MEMORY] = (int64_t)rules->maxima.cell.memory_mb << 20};
    struct version_range range;

    (void)context;
    *request = (struct execution_request){.timeout_ms = RUN_MS};
    if (body_read(request, &body_fields, bounds, text, len, &body, cost, error) != 0 ||
        take_contents(request, &body, rules, error) != 0)
        return -1;
    if (version_range_read(&range, body.version) != 0)
        return error_set(error, ERROR_INVALID, "%s-%s runtime is unknown", body.language, body.version);
    request->language_name = body.language;
    request->version_range = body.version;
    request->args = body.args;
    take_limits(request, &body, rules);
    if (take_input(request, &body) != 0)
        return error_memory(error);
    *cost += request->arena.size;
    return 0;
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

/* What the service tells of a compiler or a program that has ended. */
struct stage {
    const struct execution_output *output;
    const struct buf *both;                /* both streams, as they came */
    int code, signal;                      /* signal 0: none */
    bool timed_out, killed;                /* killed: by the server; it has no code then */
    bool out_of_memory;                    /* it, or one of its processes, was killed for memory */
    int64_t memory_bytes, cpu_ns, wall_ns; /* -1: not known */
};

static const char *stage_status(const struct stage *stage)
{
    if (stage->timed_out)
        return "TO";
    if (stage->killed || stage->signal != 0)
        return "SG";
    return stage->code != 0 ? "RE" : NULL;
}

/* The words of isolate, under which the service runs programs. */
static json_t *stage_message(const struct stage *stage)
{
    if (stage->timed_out)
        return json_string("Time limit exceeded (wall clock)");
    if (stage->out_of_memory)
        return json_string("Memory limit exceeded");
    if (stage->output->out_cut || stage->output->err_cut)
        return json_sprintf("%s length exceeded", stage->output->out_cut ? "stdout" : "stderr");
    if (stage->signal != 0)
        return json_sprintf("Caught fatal signal %d", stage->signal);
    return stage->code != 0 ? json_sprintf("Exited with error status %d", stage->code) : json_null();
}

static json_t *bytes_or_null(int64_t bytes)
{
    return bytes < 0 ? json_null() : json_integer(bytes);
}

static json_t *stage_object(const struct stage *stage)
{
    const struct execution_output *output = stage->output;
    bool ended = stage->killed || stage->signal != 0; /* not by itself */
    const char *status = stage_status(stage);
    json_t *object = json_object();

    json_object_set_new(object, "signal", execute_answer_signal(stage->killed ? SIGKILL : stage->signal));
    json_object_set_new(object, "stdout", execute_answer_text(&output->out, output->out_cut));
    json_object_set_new(object, "stderr", execute_answer_text(&output->err, output->err_cut));
    json_object_set_new(object, "code", ended ? json_null() : json_integer(stage->code));
    json_object_set_new(object, "output", execute_answer_text(stage->both, output->out_cut || output->err_cut));
    json_object_set_new(object, "memory", bytes_or_null(stage->memory_bytes));
    json_object_set_new(object, "message", stage_message(stage));
    json_object_set_new(object, "status", status != NULL ? json_string(status) : json_null());
    json_object_set_new(object, "cpu_time", milliseconds(stage->cpu_ns));
    json_object_set_new(object, "wall_time", milliseconds(stage->wall_ns));
    return object;
}

static json_t *run_stage(const struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;
    bool out_of_memory = result->status == RECORD_OUT_OF_MEMORY;

    return stage_object(&(struct stage){.output = &result->run,
                                        .both = &answer->both[1],
                                        .code = result->exit_code,
                                        .signal = result->signal,
                                        .timed_out = result->timed_out,
                                        .killed = result->timed_out || out_of_memory,
                                        .out_of_memory = out_of_memory,
                                        .memory_bytes = result->peak_bytes,
                                        .cpu_ns = result->cpu_ns,
                                        .wall_ns = result->wall_ns});
}

static json_t *compile_stage(const struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;

    return stage_object(
        &(struct stage){.output = &result->compile,
                        .both = &answer->both[0],
                        .code = result->compile_exit_code,
                        .timed_out = result->compile_timed_out,
                        .killed = result->compile_timed_out,
                        .out_of_memory = result->memory_struck && execute_answer_ended_in_compiler(result),
                        .memory_bytes = result->compile_peak_bytes,
                        .cpu_ns = result->compile_cpu_ns,
                        .wall_ns = result->compile_wall_ns});
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

static const struct face_way ways[] = {{&piston, NULL}, {NULL, NULL}};

static void piston_execute(struct http_exchange *ex)
{
    execute_as(ex, &piston, NULL);
}

/* The lists. */

/* Names of this version alone, then those of the language. */
static json_t *aliases_of(const struct language *language, const struct language_version *version)
{
    json_t *list = json_array();

    for (char **alias = version->aliases; alias != NULL && *alias != NULL; alias++)
        json_array_append_new(list, json_string(*alias));
    for (char **alias = language->aliases; *alias != NULL; alias++)
        json_array_append_new(list, json_string(*alias));
    return list;
}

static json_t *runtime_of(const struct language *language, const struct language_version *version)
{
    return json_pack("{s:s, s:s, s:o}", "language", language->id, "version", version->reported, "aliases",
                     aliases_of(language, version));
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
    .ways = ways,
    .manners = {.error_type = "application/json",
                .error_body = piston_error,
                .error_status = piston_status,
                .keys = keys,
                .cost = 1},
    .credits = 1,
};
