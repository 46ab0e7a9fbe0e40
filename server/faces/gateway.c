/* agent-gateway's code runner, "Frostbyte" (OzorOwn/frostbyte-mcp, src/index.js). docs/faces/gateway.md says what
 * differs. */
#include "api/answers.h"
#include "api/body.h"
#include "api/origin.h"
#include "api/pending.h"
#include "base/container_of.h"
#include "base/json.h"
#include "base/seam.h"
#include "faces/face.h"
#include "faces/face_text.h"
#include "faces/faces.h"
#include "faces/gateway_quota.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define CODE_MAX (64 << 10) /* bytes; the service's limits */
#define OUTPUT_KB 64        /* of each stream */
#define TIMEOUT_S 10
#define CREDITS 200 /* of a key that a client makes */

enum { BOUND_STDIN = 1, BOUNDS };

static const struct limits_overrides own_limits = {.value = {[LIMIT_OUTPUT] = OUTPUT_KB}};

/* By gateway_body.language. */
static const char *const languages[] = {"python", "javascript", "typescript", "bash", NULL};

struct gateway_body {
    const char *code, *input;
    size_t code_len, input_len;
    int language;
};

static const struct field body_list[] = {
    {.name = "code",
     .type = FIELD_BYTES,
     .required = true,
     .least = 1,
     .at = offsetof(struct gateway_body, code),
     .len_at = offsetof(struct gateway_body, code_len)},
    {.name = "language",
     .type = FIELD_CHOICE,
     .required = true,
     .choices = languages,
     .at = offsetof(struct gateway_body, language)},
    {.name = "stdin",
     .type = FIELD_BYTES,
     .bound = BOUND_STDIN,
     .at = offsetof(struct gateway_body, input),
     .len_at = offsetof(struct gateway_body, input_len)},
};
static const struct fields body_fields = FIELDS(body_list, sizeof(struct gateway_body));

static int gateway_read(const void *context, struct execution_request *request, char *text, size_t len,
                        const struct execute_rules *rules, size_t *cost, struct error *error)
{
    size_t most = rules->max_code < CODE_MAX ? rules->max_code : CODE_MAX;
    const int64_t bounds[BOUNDS] = {[BOUND_STDIN] = (int64_t)rules->max_stdin};
    struct gateway_body body = {.code = NULL};

    (void)context;
    *request = (struct execution_request){.language_name = NULL};
    if (body_read(request, &body_fields, bounds, text, len, &body, cost, error) != 0)
        return -1;
    if (body.code_len > most)
        return error_set(error, ERROR_INVALID, "code: must be at most %zu bytes", most);
    request->code = body.code;
    request->code_len = body.code_len;
    request->input = body.input;
    request->input_len = body.input_len;
    request->language_name = languages[body.language];
    face_limits(request, rules, &own_limits, TIMEOUT_S);
    *cost += request->arena.size;
    return 0;
}

static void gateway_unknown(struct buf *sentence, const struct execution_request *request)
{
    buf_printf(sentence, "language: %s is not available on this server", request->language_name);
}

/* The answer. */

static json_t *answer_object(const struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;
    const struct execution_output *output = face_output(result);
    json_t *object = json_object();

    json_object_set_new(object, "id", json_string(answer->id));
    json_object_set_new(object, "language", json_string(answer->language));
    json_object_set_new(object, "exitCode", json_integer(result->exit_code));
    json_object_set_new(object, "stdout", face_text_chomped(&output->out, output->out_cut));
    json_object_set_new(object, "stderr", execute_answer_text(&output->err, output->err_cut));
    json_object_set_new(object, "duration",
                        json_integer(result->wall_ns < 0 ? 0 : (result->wall_ns + 500000) / 1000000));
    json_object_set_new(object, "timedOut", json_boolean(result->timed_out));
    if (output->out_cut || output->err_cut)
        json_object_set_new(object, "truncated", json_true());
    return object;
}

static int gateway_encode(const void *context, struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;

    (void)context;
    if (result->failure != NULL) {
        answer->status = result->unavailable ? 503 : 500;
        answer->text = face_error(answer->status, result->failure, &answer->len);
    } else {
        json_t *object = answer_object(answer);
        answer->status = 200;
        answer->text = json_text(object, &answer->len);
        json_decref(object);
    }
    return answer->text != NULL ? 0 : -1;
}

static const struct translation gateway = {
    .read = gateway_read, .encode = gateway_encode, .unknown_language = gateway_unknown};

static void gateway_execute(struct http_exchange *ex)
{
    execute_as(ex, &gateway, NULL);
}

/* Keys. */

static void gateway_balance(struct http_exchange *ex)
{
    const struct key *key = &api_caller(ex)->key;

    if (api_caller(ex)->anonymous) {
        struct error error;
        error_set(&error, ERROR_UNAUTHORIZED, "API key is required");
        api_respond_error(ex, &error);
        return;
    }
    api_respond(ex, 200,
                json_pack("{s:o, s:I}", "credits", key->credits < 0 ? json_null() : json_integer(key->credits),
                          "createdAt", (json_int_t)key->created_ms));
}

/* A key that a client makes for itself. */
struct creation {
    struct store_job job;
    struct pending pending;
    struct gateway_quota *quota;
    struct ip address;
    struct key key;
    char text[KEY_TEXT_LEN + 1];
};

static int creation_work(struct db *db, struct store_job *job, struct error *error)
{
    struct creation *creation = container_of(job, struct creation, job);

    return keys_create_prefixed(db, &creation->key, "gw_", creation->text, error);
}

static void creation_done(struct store_job *job, const struct error *error)
{
    struct creation *creation = container_of(job, struct creation, job);
    struct http_exchange *ex = pending_end(&creation->pending);

    if (error != NULL)
        gateway_quota_give_back(creation->quota, &creation->address);
    if (ex != NULL && error != NULL)
        api_respond_error(ex, error);
    else if (ex != NULL)
        api_respond(ex, 200, json_pack("{s:s, s:i}", "key", creation->text, "credits", CREDITS));
    OPENSSL_cleanse(creation->text, sizeof creation->text);
    free(creation);
}

static void creation_start(struct http_exchange *ex, struct gateway_quota *quota, const struct ip *address)
{
    struct creation *creation = calloc(1, sizeof *creation);

    if (creation == NULL) {
        gateway_quota_give_back(quota, address);
        struct error error;
        error_memory(&error);
        api_respond_error(ex, &error);
        return;
    }
    creation->quota = quota;
    creation->address = *address;
    creation->key = (struct key){.name = "gateway",
                                 .face = "gateway",
                                 .scopes = KEY_EXECUTE,
                                 .rate_per_minute = faces_rate(api_of(ex)->faces),
                                 .credits = CREDITS,
                                 .reuse = KEY_REUSE_INHERIT};
    creation->job.work = creation_work;
    creation->job.done = creation_done;
    pending_begin(&creation->pending, ex, NULL);
    store_submit(api_of(ex)->store, &creation->job);
}

static void gateway_create(struct http_exchange *ex)
{
    struct gateway_quota *quota = faces_gateway_quota(api_of(ex)->faces);
    int64_t now_ms = seam_wall_ms();
    const char *peer = http_peer(ex);
    struct ip address;

    if (!ip_parse(peer, strlen(peer), &address))
        address = (struct ip){{0}}; /* all peers of a unix socket are one */
    if (quota->most == 0) {
        http_respond_error(ex, 403, "This server makes no keys for its callers");
    } else if (origin_is_foreign(http_header(ex, "Origin"), http_header(ex, "Host"))) {
        http_respond_error(ex, 403, "Pages of other servers may make no key");
    } else if (!gateway_quota_take(quota, &address, now_ms)) {
        http_header_add(ex, "Retry-After", "%lld", (long long)gateway_quota_wait_s(now_ms));
        http_respond_error(ex, 429, "No more keys for this address today");
    } else {
        creation_start(ex, quota, &address);
    }
}

static const struct face_way ways[] = {{&gateway, NULL}, {NULL, NULL}};

#define RUNS (API_KEY | API_EXECUTE | API_COUNTS)

static const struct http_route routes[] = {
    {"POST", "/v1/agent-coderunner/execute", gateway_execute, RUNS},
    {"POST", "/v1/agent-coderunner/api/execute", gateway_execute, RUNS},
    {"GET", "/api/keys/balance", gateway_balance, API_KEY},
    {"POST", "/api/keys/create", gateway_create, 0},
    {.method = NULL},
};

static const char *const covers[] = {"/v1/agent-coderunner", "/api/keys", NULL};

static const struct http_key_place keys[] = {
    {HTTP_KEY_AUTHORIZATION, "Bearer"},
    {HTTP_KEY_HEADER, "X-API-Key"},
    {HTTP_KEY_QUERY, "key"},
    {HTTP_KEY_NONE, NULL},
};

const struct face face_gateway = {
    .name = "gateway",
    .title = "agent-gateway code runner",
    .routes = routes,
    .covers = covers,
    .ways = ways,
    .manners = {.error_type = "application/json", .error_body = face_error, .keys = keys, .cost = 1},
    .credits = 1,
};
