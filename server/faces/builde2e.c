/* BuildE2E's code sandbox (docs.builde2e.com, Code Sandbox). docs/faces/builde2e.md says what differs. */
#include "api/body.h"
#include "base/json.h"
#include "faces/face.h"
#include "faces/face_text.h"

#include <string.h>

#define CODE_MAX (100 << 10) /* bytes; the service's limits */
#define TIMEOUT_S 10
#define COST 0.002 /* dollars, which the service takes for a program that ran */

/* The program's path in a cell, as a traceback names it, and the name that it has at the service. */
#define FILE_HERE "File \"/tmp/work/main.py\", line "
#define FILE_THERE "File \"<string>\", line "

static const struct limits_overrides own_limits = {
    .value = {[LIMIT_CPU] = 500, [LIMIT_MEMORY] = 256, [LIMIT_OUTPUT] = 1024}};

/* By builde2e_body.language. */
static const char *const languages[] = {"python", "javascript", NULL};

struct builde2e_body {
    const char *code;
    size_t code_len;
    int language;
};

static const struct field body_list[] = {
    {.name = "code",
     .type = FIELD_BYTES,
     .required = true,
     .least = 1,
     .at = offsetof(struct builde2e_body, code),
     .len_at = offsetof(struct builde2e_body, code_len)},
    {.name = "language",
     .type = FIELD_CHOICE,
     .required = true,
     .choices = languages,
     .at = offsetof(struct builde2e_body, language)},
};
static const struct fields body_fields = FIELDS(body_list, sizeof(struct builde2e_body));

static int builde2e_read(const void *context, struct execution_request *request, char *text, size_t len,
                         const struct execute_rules *rules, size_t *cost, struct error *error)
{
    size_t most = rules->max_code < CODE_MAX ? rules->max_code : CODE_MAX;
    struct builde2e_body body = {.code = NULL};

    (void)context;
    *request = (struct execution_request){.language_name = NULL};
    if (body_read(request, &body_fields, NULL, text, len, &body, cost, error) != 0)
        return -1;
    if (body.code_len > most)
        return error_set(error, ERROR_TOO_LARGE, "code: must be at most %zu bytes", most);
    request->code = body.code;
    request->code_len = body.code_len;
    request->language_name = languages[body.language];
    face_limits(request, rules, &own_limits, TIMEOUT_S);
    *cost += request->arena.size;
    return 0;
}

static void builde2e_unknown(struct buf *sentence, const struct execution_request *request)
{
    buf_printf(sentence, "language: %s is not available on this server", request->language_name);
}

/* The answer. */

/* Where a line of a traceback names the program's file; NULL: it does not. Lines of an exception group begin with bars.
 */
static const char *file_in_line(const char *line, size_t len)
{
    size_t start = 0;

    while (start < len && (line[start] == ' ' || line[start] == '|'))
        start++;
    if (start == 0 || len - start < strlen(FILE_HERE) || memcmp(line + start, FILE_HERE, strlen(FILE_HERE)) != 0)
        return NULL;
    return line + start;
}

/* 0, or -1 out of memory. */
static int rename_in_line(struct buf *out, const char *line, size_t len)
{
    const char *file = file_in_line(line, len);

    if (file == NULL)
        return buf_append(out, line, len);
    const char *rest = file + strlen(FILE_HERE);
    return buf_append(out, line, (size_t)(file - line)) != 0 || buf_puts(out, FILE_THERE) != 0 ||
                   buf_append(out, rest, (size_t)(line + len - rest)) != 0
               ? -1
               : 0;
}

/* What the program wrote to standard error, with the file's name in tracebacks as the service shows it. NULL: out of
 * memory. */
static json_t *text_renamed(const struct buf *bytes, bool cut)
{
    struct buf out;
    int result = 0;

    buf_init(&out, bytes->len); /* the name there is shorter */
    for (size_t at = 0, len; result == 0 && at < bytes->len; at += len) {
        const char *line = bytes->data + at, *end = memchr(line, '\n', bytes->len - at);
        len = end != NULL ? (size_t)(end - line) + 1 : bytes->len - at;
        result = rename_in_line(&out, line, len);
    }
    json_t *value = result == 0 ? execute_answer_text(&out, cut) : NULL;
    buf_free(&out);
    return value;
}

static json_t *answer_object(const struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;
    const struct execution_output *output = face_output(result);
    bool python = strcmp(answer->language, "python") == 0;
    json_t *object = json_object();

    json_object_set_new(object, "stdout", execute_answer_text(&output->out, output->out_cut));
    json_object_set_new(object, "stderr", (python ? text_renamed : execute_answer_text)(&output->err, output->err_cut));
    json_object_set_new(object, "exitCode", json_integer(result->exit_code));
    json_object_set_new(object, "executionTimeMs",
                        result->timed_out ? json_integer(answer->timeout_ms) : face_milliseconds(result->wall_ns));
    json_object_set_new(object, "memoryUsageMb", face_megabytes(result->peak_bytes));
    json_object_set_new(object, "timedOut", json_boolean(result->timed_out));
    json_object_set_new(object, "cost", json_real(COST));
    return object;
}

/* The sandbox failed, so nothing ran and nothing is paid. */
static json_t *failure_object(const char *failure)
{
    return json_pack("{s:s, s:s, s:i, s:i, s:i, s:b, s:i, s:s}", "stdout", "", "stderr", "", "exitCode", 1,
                     "executionTimeMs", 0, "memoryUsageMb", 0, "timedOut", 0, "cost", 0, "error", failure);
}

static int builde2e_encode(const void *context, struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;
    json_t *object;

    (void)context;
    answer->status = 200;
    if (result->failure != NULL && result->unavailable) {
        answer->status = 503;
        answer->text = face_error(503, result->failure, &answer->len);
        return answer->text != NULL ? 0 : -1;
    }
    object = result->failure != NULL ? failure_object(result->failure) : answer_object(answer);
    answer->text = object != NULL ? json_text(object, &answer->len) : NULL;
    json_decref(object);
    return answer->text != NULL ? 0 : -1;
}

static const struct translation builde2e = {
    .read = builde2e_read, .encode = builde2e_encode, .unknown_language = builde2e_unknown};

static void builde2e_execute(struct http_exchange *ex)
{
    execute_as(ex, &builde2e, NULL);
}

static const struct face_way ways[] = {{&builde2e, NULL}, {NULL, NULL}};

#define RUNS (API_KEY | API_EXECUTE | API_COUNTS)

static const struct http_route routes[] = {
    {"POST", "/v1/code-sandbox/execute", builde2e_execute, RUNS},
    {"POST", "/api/v1/code-sandbox/execute", builde2e_execute, RUNS},
    {.method = NULL},
};

static const char *const covers[] = {"/v1/code-sandbox", "/api/v1/code-sandbox", NULL};

static const struct http_key_place keys[] = {
    {HTTP_KEY_AUTHORIZATION, "Bearer"},
    {HTTP_KEY_HEADER, "X-API-Key"},
    {HTTP_KEY_NONE, NULL},
};

const struct face face_builde2e = {
    .name = "builde2e",
    .title = "BuildE2E",
    .routes = routes,
    .covers = covers,
    .ways = ways,
    .manners = {.error_type = "application/json", .error_body = face_error, .keys = keys, .cost = 1},
    .credits = 1,
};
