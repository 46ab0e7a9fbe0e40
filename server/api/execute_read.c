#include "api/execute_read.h"

#include "api/body.h"
#include "api/execute_files.h"
#include "languages/version.h"
#include "store/records.h"

#include <ctype.h>
#include <string.h>

/* The bounds that a setting or the key decides; those of limits come first. */
enum { BOUND_CODE = LIMITS_BOUNDS, BOUND_STDIN, BOUND_TIMEOUT, BOUNDS };

_Static_assert(BOUNDS == EXECUTE_BOUNDS, "a bound for each");

static int check_session(const struct field_place *place, const struct field *field, const void *value)
{
    const char *text = *(const char *const *)value;

    if (isalnum((unsigned char)*text) &&
        text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-")] == '\0')
        return 0;
    return field_wrong(place, "%s", field->sentence);
}

/* The range is only checked here: request_settle() chooses from the language's versions. */
static int check_version(const struct field_place *place, const struct field *field, const void *value)
{
    struct version_range range;

    if (version_range_read(&range, *(const char *const *)value) == 0)
        return 0;
    return field_wrong(place, "%s", field->sentence);
}

#define TO_TEXT(number) TO_TEXT_OF(number)
#define TO_TEXT_OF(number) #number

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
    {.name = "language",
     .type = FIELD_TEXT,
     .required = true,
     .least = 1,
     .most = REQUEST_LANGUAGE_MAX,
     .at = offsetof(struct execution_request, language_name),
     .meaning = "an id or an alias of a language"},
    {.name = "stdin",
     .type = FIELD_BYTES,
     .bound = BOUND_STDIN,
     .at = offsetof(struct execution_request, input),
     .len_at = offsetof(struct execution_request, input_len),
     .fallback = "null",
     .meaning = "standard input, followed by end-of-file"},
    {.name = "environment",
     .type = FIELD_VARIABLES,
     .most = EXECUTE_NAMES_MAX,
     .total = EXECUTE_ENVIRONMENT_MAX,
     .at = offsetof(struct execution_request, env),
     .fallback = "{}",
     .meaning = "variables for the compiler and the program"},
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
     .sentence = "must be 1 to " TO_TEXT(SESSION_ID_MAX) " characters of [A-Za-z0-9._:-], the first a letter or digit",
     .check = check_session,
     .at = offsetof(struct execution_request, session_id),
     .fallback = "null",
     .meaning = "groups executions of one key"},
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
    {.name = "limits",
     .type = FIELD_OBJECT,
     .inside = &limits_fields,
     .at = offsetof(struct execution_request, overrides),
     .fallback = "{}",
     .meaning = "limits other than the language's own"},
    {.name = "version",
     .type = FIELD_TEXT,
     .least = 1,
     .sentence = "must be a version or a range, such as 3, 3.11 or >=20",
     .check = check_version,
     .at = offsetof(struct execution_request, version_range),
     .fallback = "null",
     .meaning = "which version of the language"},
    {.name = "outputs", .type = FIELD_ANY, .later = true, .at = FIELD_NOWHERE},
    {.name = "evaluate",
     .type = FIELD_BOOLEAN,
     .at = offsetof(struct execution_request, evaluate),
     .fallback = "false",
     .meaning = "also answer result and error"},
    {.name = "stream", .type = FIELD_ANY, .later = true, .at = FIELD_NOWHERE},
};
const struct fields execute_fields = FIELDS(body_list, sizeof(struct execution_request));

void execute_bounds(int64_t bounds[EXECUTE_BOUNDS], const struct execute_rules *rules)
{
    bounds[BOUND_CODE] = (int64_t)rules->max_code;
    bounds[BOUND_STDIN] = (int64_t)rules->max_stdin;
    bounds[BOUND_TIMEOUT] = rules->max_timeout;
    limits_bounds(bounds, &rules->maxima);
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
    return execute_files_finish(request, error);
}

int execute_read(struct execution_request *request, char *text, size_t len, const struct execute_rules *rules,
                 size_t *cost, struct error *error)
{
    int64_t bounds[EXECUTE_BOUNDS] = {0};

    *request = (struct execution_request){.timeout_ms = default_timeout_ms(rules)};
    execute_bounds(bounds, rules);
    if (body_read(request, &execute_fields, bounds, text, len, request, cost, error) != 0)
        return -1;
    int result = execute_files_finish(request, error);
    *cost += request->arena.size;
    return result;
}
