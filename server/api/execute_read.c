#include "api/execute_read.h"

#include "api/body.h"
#include "api/execute_files.h"
#include "api/session_form.h"
#include "api/settings.h"
#include "run/outputs.h"
#include "run/webhook_policy.h"
#include "store/records.h"

/* The bounds that a setting or the key decides; those of limits come first. */
enum { BOUND_CODE = LIMITS_BOUNDS, BOUND_STDIN, BOUND_TIMEOUT, BOUND_BACKGROUND, BOUND_STREAMS, BOUNDS };

_Static_assert(BOUNDS == EXECUTE_BOUNDS, "a bound for each");

static int check_url(const struct field_place *place, const struct field *field, const void *value)
{
    return webhook_url_is_fine(*(const char *const *)value) ? 0 : field_wrong(place, "%s", field->sentence);
}

static int check_secret(const struct field_place *place, const struct field *field, const void *value)
{
    unsigned char key[WEBHOOK_SECRET_MAX];

    return webhook_secret_key(*(const char *const *)value, key) > 0 ? 0 : field_wrong(place, "%s", field->sentence);
}

/* Its place in the request is that of the whole object. */
static int check_webhook(const struct field_place *place, const struct field *field, const void *value)
{
    (void)field, (void)value;
    if (place->reading->bounds[BOUND_BACKGROUND] != 0)
        return 0;
    return field_wrong(place, "only POST /api/v1/execute/async takes it");
}

static int check_stream(const struct field_place *place, const struct field *field, const void *value)
{
    (void)field;
    if (!*(const bool *)value || place->reading->bounds[BOUND_STREAMS] != 0)
        return 0;
    return field_wrong(place, EXECUTE_STREAM_ELSEWHERE);
}

static int check_outputs(const struct field_place *place, const struct field *field, const void *value)
{
    (void)field;
    for (char *const *pattern = *(char *const *const *)value; *pattern != NULL; pattern++)
        if (!outputs_pattern_ok(*pattern))
            return field_wrong(place,
                               "must be relative paths or globs of at most 1024 bytes and 62 names, without empty "
                               "segments, '.' or '..'");
    return 0;
}

#define TO_TEXT(number) TO_TEXT_OF(number)
#define TO_TEXT_OF(number) #number

static const struct field webhook_list[] = {
    {.name = "url",
     .type = FIELD_TEXT,
     .required = true,
     .least = 1,
     .sentence = "must be an http or https URL of at most " TO_TEXT(
         WEBHOOK_URL_MAX) " visible ASCII characters, without user and password",
     .check = check_url,
     .at = offsetof(struct execution_request, webhook_url),
     .meaning = "the execution is posted there when it is done"},
    {.name = "secret",
     .type = FIELD_TEXT,
     .required = true,
     .least = 1,
     .sentence = "must be " WEBHOOK_SECRET_PREFIX " and 24 to 64 bytes in base64",
     .check = check_secret,
     .at = offsetof(struct execution_request, webhook_secret),
     .meaning = "which the posts are signed with"},
};
static const struct fields webhook_fields = FIELDS(webhook_list, sizeof(struct execution_request));

/* The fields of a body, in the order in which they are checked. */
static const struct field body_list[] = {
    {.name = "code",
     .type = FIELD_BYTES,
     .required = true,
     .least = 1,
     .bound = BOUND_CODE,
     .at = offsetof(struct execution_request, code),
     .len_at = offsetof(struct execution_request, code_len),
     .meaning = "the program"},
    SETTINGS_LANGUAGE(struct execution_request, , false), /* a session may say it: execute_read() */
    {.name = "stdin",
     .type = FIELD_BYTES,
     .bound = BOUND_STDIN,
     .at = offsetof(struct execution_request, input),
     .len_at = offsetof(struct execution_request, input_len),
     .fallback = "null",
     .meaning = "standard input, followed by end-of-file"},
    SETTINGS_ENVIRONMENT(struct execution_request, ),
    {.name = "timeout",
     .type = FIELD_INTEGER,
     .least = 1,
     .bound = BOUND_TIMEOUT,
     .scale = 1000,
     .at = offsetof(struct execution_request, timeout_ms),
     .fallback = TO_TEXT(EXECUTE_TIMEOUT_DEFAULT),
     .meaning = "seconds that the program may run"},
    {.name = "session_id",
     .type = FIELD_TEXT,
     .least = 1,
     .most = SESSION_ID_MAX,
     .sentence = SESSION_ID_SENTENCE,
     .check = session_id_check,
     .at = offsetof(struct execution_request, session_id),
     .fallback = "null",
     .meaning = "groups executions of one key",
     .schema = SESSION_ID_SCHEMA},
    {.name = "args",
     .type = FIELD_TEXTS,
     .most = EXECUTE_ARGS_MAX,
     .total = EXECUTE_ARGS_BYTES,
     .at = offsetof(struct execution_request, args),
     .fallback = "[]",
     .meaning = "the program's arguments"},
    {.name = "files",
     .type = FIELD_OBJECTS,
     .most = EXECUTE_FILES_MAX,
     .inside = &execute_file_fields,
     .at = offsetof(struct execution_request, files),
     .len_at = offsetof(struct execution_request, files_len),
     .fallback = "[]",
     .meaning = "files beside the program"},
    SETTINGS_LIMITS(struct execution_request, ),
    SETTINGS_VERSION(struct execution_request, ),
    {.name = "outputs",
     .type = FIELD_TEXTS,
     .most = OUTPUTS_PATTERNS_MAX,
     .total = EXECUTE_OUTPUTS_BYTES,
     .check = check_outputs,
     .at = offsetof(struct execution_request, outputs),
     .fallback = "[]",
     .meaning = "paths or globs of files to bring back when the program has ended"},
    {.name = "evaluate",
     .type = FIELD_BOOLEAN,
     .at = offsetof(struct execution_request, evaluate),
     .fallback = "false",
     .meaning = "also answer result and error"},
    {.name = "kernel",
     .type = FIELD_BOOLEAN,
     .at = offsetof(struct execution_request, kernel),
     .fallback = "false",
     .meaning = "run in the workspace's interpreter, which keeps its state"},
    {.name = "stream",
     .type = FIELD_BOOLEAN,
     .elsewhere = true,
     .check = check_stream,
     .at = offsetof(struct execution_request, stream),
     .fallback = "false",
     .meaning = "answer server-sent events"},
    {.name = "webhook",
     .type = FIELD_OBJECT,
     .inside = &webhook_fields,
     .elsewhere = true,
     .check = check_webhook,
     .at = 0,
     .meaning = "who is told when it is done"},
};
const struct fields execute_fields = FIELDS(body_list, sizeof(struct execution_request));

void execute_bounds(int64_t bounds[EXECUTE_BOUNDS], const struct execute_rules *rules)
{
    bounds[BOUND_CODE] = (int64_t)rules->max_code;
    bounds[BOUND_STDIN] = (int64_t)rules->max_stdin;
    bounds[BOUND_TIMEOUT] = rules->max_timeout;
    bounds[BOUND_BACKGROUND] = rules->background;
    bounds[BOUND_STREAMS] = rules->streams;
    limits_bounds(bounds, &rules->maxima);
}

/* A kernel is there before the request, which so cannot decide what it begins with. Its answer has what `evaluate` asks
 * for anyway. */
static int finish_kernel(struct execution_request *request, struct error *error)
{
    if (!request->kernel)
        return 0;
    request->evaluate = false;
    if (request->session_id == NULL)
        return error_set(error, ERROR_INVALID, "kernel: the session has no workspace");
    if (request->args != NULL && request->args[0] != NULL)
        return error_set(error, ERROR_INVALID, "args: a kernel has none");
    if (request->env != NULL && request->env[0] != NULL)
        return error_set(error, ERROR_INVALID, "environment: a kernel has the session's");
    return 0;
}

/* A request without a language takes its session's (run.c). */
static int execute_read_finish(struct execution_request *request, struct error *error)
{
    if (request->language_name == NULL && request->session_id == NULL)
        return error_set(error, ERROR_INVALID, "%s", EXECUTE_NO_LANGUAGE);
    return finish_kernel(request, error) != 0 ? -1 : execute_files_finish(request, error);
}

static int64_t default_timeout_ms(const struct execute_rules *rules)
{
    return 1000 * (rules->max_timeout < EXECUTE_TIMEOUT_DEFAULT ? rules->max_timeout : EXECUTE_TIMEOUT_DEFAULT);
}

int execute_read_tree(struct execution_request *request, const json_t *object, const struct execute_rules *rules,
                      struct error *error)
{
    int64_t bounds[EXECUTE_BOUNDS] = {0};

    request->timeout_ms = default_timeout_ms(rules);
    execute_bounds(bounds, rules);
    if (body_read_tree(request, &execute_fields, bounds, object, "arguments", request, error) != 0)
        return -1;
    return execute_read_finish(request, error);
}

int execute_read(struct execution_request *request, char *text, size_t len, const struct execute_rules *rules,
                 size_t *cost, struct error *error)
{
    return execute_read_by(&execute_fields, request, text, len, rules, cost, error);
}

int execute_read_by(const struct fields *fields, struct execution_request *request, char *text, size_t len,
                    const struct execute_rules *rules, size_t *cost, struct error *error)
{
    int64_t bounds[EXECUTE_BOUNDS] = {0};

    *request = (struct execution_request){.timeout_ms = default_timeout_ms(rules)};
    execute_bounds(bounds, rules);
    if (body_read(request, fields, bounds, text, len, request, cost, error) != 0)
        return -1;
    int result = execute_read_finish(request, error);
    *cost += request->arena.size;
    return result;
}
