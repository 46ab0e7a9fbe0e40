#include "faces/mcp_message.h"

#include "base/json.h"
#include "base/json_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define META_VERSION "io.modelcontextprotocol/protocolVersion"
#define META_SERVER "io.modelcontextprotocol/serverInfo"

const char *const mcp_versions[] = {MCP_MODERN, MCP_LEGACY, "2025-06-18", "2025-03-26", "2024-11-05", NULL};

int mcp_fault_set(struct mcp_fault *fault, int status, enum mcp_code code, const char *format, ...)
{
    va_list args;

    *fault = (struct mcp_fault){.status = status, .code = code};
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return -1;
}

/* Reading. What no reader looks at is not kept. */

static const struct json_shape_member meta_members[] = {{"progressToken", NULL}, {META_VERSION, NULL}};
static const struct json_shape meta_shape = {.open = '{', .members = meta_members, .members_len = 2};

static json_t *message_parse(char *text, size_t len, const struct json_shape *arguments, size_t *cost,
                             struct error *error)
{
    const struct json_shape_member param_members[] = {{"name", NULL},
                                                      {"arguments", arguments},
                                                      {"_meta", &meta_shape},
                                                      {"protocolVersion", NULL},
                                                      {"requestId", NULL}};
    const struct json_shape params = {
        .open = '{', .members = param_members, .members_len = sizeof param_members / sizeof *param_members};
    const struct json_shape_member members[] = {{"jsonrpc", NULL},   {"id", NULL},     {"method", NULL},
                                                {"params", &params}, {"result", NULL}, {"error", NULL}};
    const struct json_shape shape = {.open = '{', .members = members, .members_len = sizeof members / sizeof *members};

    return json_parse_shape(text, len, &shape, cost, error);
}

static bool is_id(const json_t *value)
{
    return json_is_string(value) || json_is_number(value);
}

/* The text of a member; NULL: there is none, or it is no text. */
static const char *member_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static int take_id(struct mcp_message *message, struct mcp_fault *fault)
{
    const json_t *id = json_object_get(message->root, "id");

    if (id != NULL && !is_id(id))
        return mcp_fault_set(fault, 400, MCP_INVALID_REQUEST, "id: must be a string or a number");
    message->id = id;
    return 0;
}

static int take_params(struct mcp_message *message, struct mcp_fault *fault)
{
    const json_t *params = json_object_get(message->root, "params"), *meta = json_object_get(params, "_meta");
    const json_t *progress = json_object_get(meta, "progressToken");

    if (params != NULL && !json_is_object(params))
        return mcp_fault_set(fault, 400, MCP_INVALID_REQUEST, "params: must be an object");
    message->params = params;
    message->version = member_text(meta, META_VERSION);
    message->progress = is_id(progress) ? progress : NULL;
    return 0;
}

/* An answer of the client has a result or an error in place of a method. */
static int take_method(struct mcp_message *message, struct mcp_fault *fault)
{
    const json_t *root = message->root;

    message->method = member_text(root, "method");
    if (message->method != NULL)
        return 0;
    if (message->id != NULL && json_object_get(root, "method") == NULL &&
        (json_object_get(root, "result") != NULL || json_object_get(root, "error") != NULL))
        return 0;
    return mcp_fault_set(fault, 400, MCP_INVALID_REQUEST, "method: must be a string");
}

static int message_take(struct mcp_message *message, struct mcp_fault *fault)
{
    const char *jsonrpc;

    if (json_is_array(message->root))
        return mcp_fault_set(fault, 400, MCP_INVALID_REQUEST, "Batches are not supported: send one message a request");
    if (!json_is_object(message->root))
        return mcp_fault_set(fault, 400, MCP_INVALID_REQUEST, "The body must be a JSON object");
    if (take_id(message, fault) != 0)
        return -1;
    jsonrpc = member_text(message->root, "jsonrpc");
    if (jsonrpc == NULL || strcmp(jsonrpc, "2.0") != 0)
        return mcp_fault_set(fault, 400, MCP_INVALID_REQUEST, "jsonrpc: must be \"2.0\"");
    return take_method(message, fault) == 0 ? take_params(message, fault) : -1;
}

int mcp_message_read(struct mcp_message *message, char *text, size_t len, const struct json_shape *arguments,
                     size_t *cost, struct mcp_fault *fault)
{
    struct error error = {0};
    json_t *root = message_parse(text, len, arguments, cost, &error);

    if (root != NULL && arena_adopt(&message->arena, root, json_release) != 0) {
        error_memory(&error);
        root = NULL;
    }
    if (root == NULL && error.code == ERROR_MEMORY)
        return mcp_fault_set(fault, 503, MCP_INTERNAL, "%s", error.text);
    if (root == NULL)
        return mcp_fault_set(fault, 400, MCP_PARSE_ERROR, "%s", error.text);
    message->root = root;
    return message_take(message, fault);
}

void mcp_message_free(struct mcp_message *message)
{
    arena_free(&message->arena);
    *message = (struct mcp_message){.root = NULL};
}

const char *mcp_param(const struct mcp_message *message, const char *name)
{
    return member_text(message->params, name);
}

/* Versions and headers. */

static bool is_version(const char *text)
{
    for (const char *const *version = mcp_versions; *version != NULL; version++)
        if (strcmp(*version, text) == 0)
            return true;
    return false;
}

static int other_version(struct mcp_fault *fault, const char *requested)
{
    mcp_fault_set(fault, 400, MCP_OTHER_VERSION, "Unsupported protocol version");
    fault->requested = requested;
    return -1;
}

static int check_repeated(struct mcp_fault *fault, const char *header, const char *said, const char *body)
{
    if (body == NULL || (said != NULL && strcmp(said, body) == 0))
        return 0;
    return said == NULL ? mcp_fault_set(fault, 400, MCP_HEADER_MISMATCH, "%s: the header is missing", header)
                        : mcp_fault_set(fault, 400, MCP_HEADER_MISMATCH, "%s: header and body differ", header);
}

static int check_modern(const struct mcp_message *message, const struct mcp_head *head, struct mcp_fault *fault)
{
    const char *name = strcmp(message->method, "tools/call") == 0 ? mcp_param(message, "name") : NULL;

    if (check_repeated(fault, "MCP-Protocol-Version", head->version, message->version) != 0)
        return -1;
    if (strcmp(message->version, MCP_MODERN) != 0)
        return other_version(fault, message->version);
    if (check_repeated(fault, "Mcp-Method", head->method, message->method) != 0)
        return -1;
    return check_repeated(fault, "Mcp-Name", head->name, name);
}

int mcp_message_check(const struct mcp_message *message, const struct mcp_head *head, struct mcp_fault *fault)
{
    bool is_request = message->method != NULL && message->id != NULL;

    if (is_request && message->version != NULL)
        return check_modern(message, head, fault);
    if (head->version == NULL || (is_request && strcmp(message->method, "initialize") == 0))
        return 0;
    if (!is_version(head->version))
        return other_version(fault, head->version);
    if (is_request && strcmp(head->version, MCP_MODERN) == 0)
        return mcp_fault_set(fault, 400, MCP_INVALID_PARAMS, "params._meta: %s is required", META_VERSION);
    return 0;
}

/* Answers. */

json_t *mcp_server_info(void)
{
    return json_pack("{s:s, s:s, s:s}", "name", "codecell", "title", "Codecell", "version", CODECELL_VERSION);
}

json_t *mcp_result(const struct mcp_message *message, json_t *result)
{
    if (result == NULL)
        return NULL;
    if (message->version != NULL) {
        json_object_set_new(result, "resultType", json_string("complete"));
        json_object_set_new(result, "_meta", json_pack("{s:o}", META_SERVER, mcp_server_info()));
    } else {
        json_object_del(result, "ttlMs");
        json_object_del(result, "cacheScope");
    }
    return json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", message->id, "result", result);
}

json_t *mcp_versions_json(void)
{
    json_t *list = json_array();

    for (const char *const *version = mcp_versions; *version != NULL; version++)
        json_array_append_new(list, json_string(*version));
    return list;
}

json_t *mcp_error(const json_t *id, const struct mcp_fault *fault)
{
    json_t *error = json_pack("{s:i, s:s}", "code", (int)fault->code, "message", fault->text);

    if (fault->requested != NULL)
        json_object_set_new(error, "data",
                            json_pack("{s:o, s:s}", "supported", mcp_versions_json(), "requested", fault->requested));
    return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "id", id != NULL ? json_incref((json_t *)id) : json_null(),
                     "error", error);
}
