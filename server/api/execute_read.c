#include "api/execute_read.h"

#include "api/execute_files.h"
#include "base/json.h"
#include "base/json_scan.h"
#include "base/text.h"
#include "store/records.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one field's reader works on. */
struct reading {
    struct execution_request *request;
    json_t *root; /* the body; the request owns it */
    const struct execute_rules *rules;
    struct error *error;
};

static int wrong(struct reading *reading, const char *sentence)
{
    return error_set(reading->error, ERROR_INVALID, "%s", sentence);
}

static int no_memory(struct reading *reading)
{
    return error_memory(reading->error);
}

static bool has_nul(const json_t *string)
{
    return strlen(json_string_value(string)) != json_string_length(string);
}

static int read_code(struct reading *reading, const json_t *value)
{
    size_t max = reading->rules->max_code;

    if (!json_is_string(value) || json_string_length(value) == 0)
        return wrong(reading, "code: must be a string that is not empty");
    if (json_string_length(value) > max)
        return error_set(reading->error, ERROR_INVALID, "code: must be at most %zu bytes", max);
    reading->request->code = json_string_value(value);
    reading->request->code_len = json_string_length(value);
    return 0;
}

static int read_language(struct reading *reading, const json_t *value)
{
    if (!json_is_string(value) || json_string_length(value) == 0 || json_string_length(value) > REQUEST_LANGUAGE_MAX ||
        has_nul(value))
        return error_set(reading->error, ERROR_INVALID, "language: must be a string of 1 to %d bytes",
                         REQUEST_LANGUAGE_MAX);
    reading->request->language_name = json_string_value(value);
    return 0;
}

static int read_stdin(struct reading *reading, const json_t *value)
{
    size_t max = reading->rules->max_stdin;

    if (!json_is_string(value))
        return wrong(reading, "stdin: must be a string or null");
    if (json_string_length(value) > max)
        return error_set(reading->error, ERROR_INVALID, "stdin: must be at most %zu bytes", max);
    reading->request->input = json_string_value(value);
    reading->request->input_len = json_string_length(value);
    return 0;
}

/* `environment` */

static bool is_variable_name(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    while (isalnum((unsigned char)*name) || *name == '_')
        name++;
    return *name == '\0';
}

static int check_variable(struct reading *reading, const char *name, const json_t *value)
{
    if (!is_variable_name(name))
        return wrong(reading, "environment: a name must match [A-Za-z_][A-Za-z0-9_]*");
    if (!json_is_string(value) || has_nul(value))
        return error_set(reading->error, ERROR_INVALID, "environment.%.100s: must be a string without NUL", name);
    return 0;
}

static int read_environment(struct reading *reading, const json_t *value)
{
    size_t count = json_object_size(value), n = 0, bytes = 0;
    const char *name;
    json_t *text;

    if (!json_is_object(value))
        return wrong(reading, "environment: must be an object of strings");
    if (count > EXECUTE_NAMES_MAX)
        return error_set(reading->error, ERROR_INVALID, "environment: must have at most %d names", EXECUTE_NAMES_MAX);
    const char **env = reading->request->env = arena_alloc(&reading->request->arena, (count + 1) * sizeof *env);
    if (env == NULL)
        return no_memory(reading);
    json_object_foreach ((json_t *)value, name, text) {
        if (check_variable(reading, name, text) != 0)
            return -1;
        bytes += strlen(name) + json_string_length(text);
        if (bytes > EXECUTE_ENVIRONMENT_MAX)
            return error_set(reading->error, ERROR_INVALID, "environment: must be at most %u bytes in all",
                             EXECUTE_ENVIRONMENT_MAX);
        env[n] = arena_printf(&reading->request->arena, "%s=%s", name, json_string_value(text));
        if (env[n++] == NULL)
            return no_memory(reading);
    }
    return 0;
}

static int read_timeout(struct reading *reading, const json_t *value)
{
    int64_t seconds, max = reading->rules->max_timeout;

    if (json_as_integer(value, &seconds) != 0 || seconds < 1 || seconds > max)
        return error_set(reading->error, ERROR_INVALID, "timeout: must be an integer from 1 to %lld", (long long)max);
    reading->request->timeout_s = (uint64_t)seconds;
    return 0;
}

static bool is_session_id(const char *text)
{
    if (!isalnum((unsigned char)*text))
        return false;
    return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-")] == '\0';
}

static int read_session(struct reading *reading, const json_t *value)
{
    if (!json_is_string(value) || has_nul(value) || json_string_length(value) > SESSION_ID_MAX ||
        !is_session_id(json_string_value(value)))
        return error_set(reading->error, ERROR_INVALID,
                         "session_id: must be 1 to %d characters of [A-Za-z0-9._:-], the first a letter or digit",
                         SESSION_ID_MAX);
    reading->request->session_id = json_string_value(value);
    return 0;
}

static int read_args(struct reading *reading, const json_t *value)
{
    size_t i, bytes = 0;
    json_t *arg;

    if (!json_is_array(value) || json_array_size(value) > EXECUTE_ARGS_MAX)
        return error_set(reading->error, ERROR_INVALID, "args: must be an array of at most %d strings",
                         EXECUTE_ARGS_MAX);
    const char **args = reading->request->args =
        arena_alloc(&reading->request->arena, (json_array_size(value) + 1) * sizeof *args);
    if (args == NULL)
        return no_memory(reading);
    json_array_foreach (value, i, arg) {
        if (!json_is_string(arg) || has_nul(arg))
            return error_set(reading->error, ERROR_INVALID, "args[%zu]: must be a string without NUL", i);
        bytes += json_string_length(arg);
        args[i] = json_string_value(arg);
    }
    if (bytes > EXECUTE_ARGS_BYTES)
        return error_set(reading->error, ERROR_INVALID, "args: must be at most %u bytes in all", EXECUTE_ARGS_BYTES);
    return 0;
}

static int warn_unknown(struct reading *reading, const char *name)
{
    return request_warn(reading->request, "unknown field: %.*s", text_cut_utf8(name, REQUEST_QUOTED_MAX), name) == 0
               ? 0
               : no_memory(reading);
}

static int read_files(struct reading *reading, const json_t *value)
{
    return execute_files_read(reading->request, value, reading->error);
}

/* The range is only checked here: request_settle() chooses from the language's versions. */
static int read_version(struct reading *reading, const json_t *value)
{
    const char *text = json_is_string(value) && !has_nul(value) ? json_string_value(value) : "";
    struct version_range range;

    reading->request->version_range = text;
    return version_range_parse(&range, text, reading->error);
}

static int read_limits(struct reading *reading, const json_t *value)
{
    json_t *unknown = json_array(), *name;
    size_t i;
    int result = limits_read(&reading->request->overrides, value, &reading->rules->maxima, unknown, reading->error);

    json_array_foreach (unknown, i, name) {
        if (result == 0)
            result = warn_unknown(reading, json_string_value(name));
    }
    json_decref(unknown);
    return result;
}

static const struct field {
    const char *name;
    int (*read)(struct reading *reading, const json_t *value); /* NULL: belongs to the API, has not landed */
    bool required;
} fields[] = {
    {"code", read_code, true},        {"language", read_language, true},
    {"stdin", read_stdin, false},     {"environment", read_environment, false},
    {"timeout", read_timeout, false}, {"session_id", read_session, false},
    {"args", read_args, false},       {"files", read_files, false},
    {"limits", read_limits, false},   {"version", read_version, false},
    {"outputs", NULL, false},         {"evaluate", NULL, false},
    {"stream", NULL, false},
};

#define FIELDS (sizeof fields / sizeof *fields)

static int read_field(struct reading *reading, const struct field *field)
{
    const json_t *value = json_object_get(reading->root, field->name);

    if (value == NULL || json_is_null(value))
        return field->required ? error_set(reading->error, ERROR_INVALID, "%s: is required", field->name) : 0;
    if (field->read == NULL)
        return error_set(reading->error, ERROR_INVALID, "%s: not supported yet", field->name);
    return field->read(reading, value);
}

static bool is_known(const char *name)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (strcmp(fields[i].name, name) == 0)
            return true;
    return false;
}

static int name_unknown(struct reading *reading)
{
    const char *name;
    json_t *value;

    json_object_foreach (reading->root, name, value) {
        if (!is_known(name) && warn_unknown(reading, name) != 0)
            return -1;
    }
    return 0;
}

/* What is looked at in a body. One more of everything than may be, so that its reader sees that there are too many; of
 * what has no name here as many as are named in warnings. */
static const struct json_shape arg_list = {.open = '[', .most = EXECUTE_ARGS_MAX + 1};
static const struct json_shape variables = {.open = '{', .most = EXECUTE_NAMES_MAX + 1};
static const struct json_shape_member file_members[] = {{"path", NULL}, {"content", NULL}, {"encoding", NULL}};
static const struct json_shape file = {.open = '{',
                                       .members = file_members,
                                       .members_len = sizeof file_members / sizeof *file_members,
                                       .most = REQUEST_WARNINGS_MAX,
                                       .names_only = true};
static const struct json_shape file_list = {.open = '[', .most = EXECUTE_FILES_MAX + 1, .item = &file};
static const struct json_shape_member limit_members[] = {
    {"cpu", NULL}, {"memory_mb", NULL}, {"disk_mb", NULL}, {"processes", NULL}, {"output_kb", NULL}};
static const struct json_shape limit_set = {.open = '{',
                                            .members = limit_members,
                                            .members_len = sizeof limit_members / sizeof *limit_members,
                                            .most = REQUEST_WARNINGS_MAX,
                                            .names_only = true};
static const struct json_shape_member body_members[] = {
    {"code", NULL},       {"language", NULL},  {"stdin", NULL},       {"environment", &variables}, {"timeout", NULL},
    {"session_id", NULL}, {"args", &arg_list}, {"files", &file_list}, {"limits", &limit_set},      {"version", NULL},
    {"outputs", NULL},    {"evaluate", NULL},  {"stream", NULL}};
_Static_assert(sizeof body_members / sizeof *body_members == FIELDS, "a field without its shape would be read as 0");
static const struct json_shape body_shape = {.open = '{',
                                             .members = body_members,
                                             .members_len = sizeof body_members / sizeof *body_members,
                                             .most = REQUEST_WARNINGS_MAX,
                                             .names_only = true};

static void release_json(void *object)
{
    json_decref(object);
}

static int read_fields(struct reading *reading)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (read_field(reading, &fields[i]) != 0)
            return -1;
    return name_unknown(reading);
}

int execute_read(struct execution_request *request, char *text, size_t len, const struct execute_rules *rules,
                 size_t *cost, struct error *error)
{
    struct reading reading = {.request = request, .rules = rules, .error = error};
    int64_t timeout = rules->max_timeout < EXECUTE_TIMEOUT_DEFAULT ? rules->max_timeout : EXECUTE_TIMEOUT_DEFAULT;

    *request = (struct execution_request){.timeout_s = (uint64_t)timeout};
    if ((reading.root = json_parse_shape(text, len, &body_shape, cost, error)) == NULL)
        return -1;
    if (arena_adopt(&request->arena, reading.root, release_json) != 0)
        return no_memory(&reading);
    if (!json_is_object(reading.root))
        return wrong(&reading, "the body must be a JSON object");
    int result = read_fields(&reading);
    *cost += request->arena.size;
    return result;
}
