/* The happy path: mcp_call_begin -> the body is read -> call_dispatch -> a method -> mcp_call_answer. */
#include "faces/mcp_call.h"

#include "api/admission.h"
#include "api/answers.h"
#include "api/execute.h"
#include "base/container_of.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "faces/mcp_stream.h"
#include "faces/mcp_tools.h"

#include <stdlib.h>
#include <string.h>

#define INSTRUCTIONS                                                                                                \
    "Runs programs in locked-down containers without network. Use execute_code for calculations, data, and to try " \
    "code. list_languages says what can run. Nothing is kept between calls, so each program must hold all that it " \
    "needs."

void mcp_call_drop(struct mcp_call *call)
{
    mcp_run_free(call);
    mcp_message_free(&call->message);
    if (call->body != NULL)
        memory_free_apart(call->api->loop, call->body, call->body_len);
    free(call->text);
    http_claim_close(&call->claim);
    free(call);
}

static void call_on_gone(struct pending *pending)
{
    struct mcp_call *call = container_of(pending, struct mcp_call, pending);

    if (call->stream != NULL)
        mcp_stream_leave(call->stream);
    mcp_run_leave(call);
    if (!call->works)
        mcp_call_drop(call); /* else when the worker has come back */
}

/* The ends. */

/* The rate of executions, which a call that runs nothing has not changed. */
void mcp_call_show_rate(struct mcp_call *call)
{
    struct http_exchange *ex = call->pending.ex;

    if (!call->rate_shown)
        api_show_rate(ex, call->run.charged ? &call->run.rate : &api_caller(ex)->rate);
    call->rate_shown = true;
}

static void call_respond(struct mcp_call *call, int status, char *text, size_t len)
{
    if (call->stream == NULL)
        mcp_call_show_rate(call);
    struct http_exchange *ex = pending_end(&call->pending);
    if (call->stream != NULL)
        mcp_stream_end(call->stream, text, len);
    else if (text == NULL)
        api_respond(ex, 200, NULL); /* out of memory */
    else
        http_respond(ex, status, "application/json", text, len);
    mcp_call_drop(call);
}

static void call_respond_json(struct mcp_call *call, int status, json_t *value)
{
    size_t len = 0;
    char *text = value != NULL ? json_text(value, &len) : NULL;

    json_decref(value);
    call_respond(call, status, text, len);
}

void mcp_call_accept(struct mcp_call *call)
{
    mcp_call_show_rate(call);
    http_respond(pending_end(&call->pending), 202, NULL, NULL, 0);
    mcp_call_drop(call);
}

void mcp_call_answer(struct mcp_call *call, json_t *result)
{
    call_respond_json(call, 200, mcp_result(&call->message, result));
}

void mcp_call_answer_text(struct mcp_call *call)
{
    char *text = call->text;

    call->text = NULL;
    call_respond(call, 200, text, call->text_len);
}

void mcp_call_refuse(struct mcp_call *call)
{
    call_respond_json(call, call->fault.status, mcp_error(call->message.id, &call->fault));
}

json_t *mcp_told(const char *sentence)
{
    return json_pack("{s:[{s:s, s:s}], s:b}", "content", "type", "text", "text", sentence, "isError", true);
}

void mcp_call_tell(struct mcp_call *call, const char *sentence)
{
    mcp_call_answer(call, mcp_told(sentence));
}

/* The methods. */

static json_t *capabilities(void)
{
    return json_pack("{s:{s:b}}", "tools", "listChanged", false);
}

/* A version that we do not speak is answered with the newest one of the era. */
static void initialize(struct mcp_call *call)
{
    const char *asked = mcp_param(&call->message, "protocolVersion"), *version = MCP_LEGACY;
    char session[UUID_LEN + 1];

    for (size_t i = 1; asked != NULL && mcp_versions[i] != NULL; i++)
        if (strcmp(mcp_versions[i], asked) == 0)
            version = mcp_versions[i];
    text_uuid(session);
    http_header_add(call->pending.ex, "Mcp-Session-Id", "%s", session);
    mcp_call_answer(call, json_pack("{s:s, s:o, s:o, s:s}", "protocolVersion", version, "capabilities", capabilities(),
                                    "serverInfo", mcp_server_info(), "instructions", INSTRUCTIONS));
}

static void discover(struct mcp_call *call)
{
    mcp_call_answer(call,
                    json_pack("{s:o, s:o, s:s, s:i, s:s}", "supportedVersions", mcp_versions_json(), "capabilities",
                              capabilities(), "instructions", INSTRUCTIONS, "ttlMs", 3600000, "cacheScope", "public"));
}

static void ping(struct mcp_call *call)
{
    mcp_call_answer(call, json_object());
}

static void list_tools(struct mcp_call *call)
{
    mcp_call_answer(call, mcp_tools_list(call->api->languages, &call->run.rules));
}

static void call_tool(struct mcp_call *call)
{
    const char *name = mcp_param(&call->message, "name");

    if (call->tool != NULL && call->failed == 0) {
        call->tool->run(call);
    } else if (call->tool != NULL) {
        mcp_call_tell(call, call->run.error.text);
    } else {
        if (name == NULL)
            mcp_fault_set(&call->fault, 200, MCP_INVALID_PARAMS, "params.name: must be a string");
        else
            mcp_fault_set(&call->fault, 200, MCP_INVALID_PARAMS, "Unknown tool: %.*s", text_cut_utf8(name, 100), name);
        mcp_call_refuse(call);
    }
}

enum { LEGACY = 1, MODERN = 2 };

static const struct mcp_method {
    const char *name;
    unsigned eras;
    void (*call)(struct mcp_call *call);
} methods[] = {
    {"initialize", LEGACY, initialize},         {"ping", LEGACY, ping},
    {"server/discover", MODERN, discover},      {"tools/list", LEGACY | MODERN, list_tools},
    {"tools/call", LEGACY | MODERN, call_tool},
};

static const struct mcp_method *method_find(const struct mcp_message *message)
{
    unsigned era = message->version != NULL ? MODERN : LEGACY;

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if ((methods[i].eras & era) != 0 && strcmp(methods[i].name, message->method) == 0)
            return &methods[i];
    return NULL;
}

static void call_request(struct mcp_call *call)
{
    const struct mcp_method *method = method_find(&call->message);
    const char *name = call->message.method;

    if (method != NULL) {
        method->call(call);
        return;
    }
    mcp_fault_set(&call->fault, call->message.version != NULL ? 404 : 200, MCP_NO_METHOD, "Method not found: %.*s",
                  text_cut_utf8(name, 100), name);
    mcp_call_refuse(call);
}

static void call_notification(struct mcp_call *call)
{
    const char *method = call->message.method;

    if (method != NULL && strcmp(method, "notifications/cancelled") == 0)
        mcp_run_cancel(call, json_object_get(call->message.params, "requestId"));
    mcp_call_accept(call);
}

static void call_dispatch(struct mcp_call *call)
{
    const struct http_exchange *ex = call->pending.ex;
    const struct mcp_head head = {.version = http_header(ex, "MCP-Protocol-Version"),
                                  .method = http_header(ex, "Mcp-Method"),
                                  .name = http_header(ex, "Mcp-Name")};

    if (mcp_message_check(&call->message, &head, &call->fault) != 0)
        mcp_call_refuse(call);
    else if (call->message.method == NULL || call->message.id == NULL)
        call_notification(call);
    else
        call_request(call);
}

/* The body. */

static int read_tool(struct mcp_call *call)
{
    const struct mcp_message *message = &call->message;
    const char *name = mcp_param(message, "name");

    if (message->method == NULL || strcmp(message->method, "tools/call") != 0 || name == NULL)
        return 0;
    call->tool = mcp_tool_find(name);
    return call->tool != NULL && call->tool->read != NULL ? call->tool->read(call) : 0;
}

static void call_read(struct work *work)
{
    struct mcp_call *call = container_of(work, struct mcp_call, work);
    const struct json_shape *arguments = mcp_tools_shape(&call->message.arena);

    if (arguments == NULL)
        mcp_fault_set(&call->fault, 503, MCP_INTERNAL, "%s", ERROR_MEMORY_SENTENCE);
    else if (mcp_message_read(&call->message, call->body, call->body_len, arguments, &call->cost, &call->fault) == 0)
        call->failed = read_tool(call);
    memory_free_large(call->body, call->body_len);
    call->body = NULL;
}

static void call_after_read(struct work *work)
{
    struct mcp_call *call = container_of(work, struct mcp_call, work);

    call->works = false;
    http_claim_set(&call->claim, call->cost + call->run.request.arena.size);
    if (call->pending.ex == NULL)
        mcp_call_drop(call);
    else if (call->fault.status != 0)
        mcp_call_refuse(call);
    else
        call_dispatch(call);
}

static void call_read_body(struct mcp_call *call)
{
    if (call->body == NULL || !http_claim_set(&call->claim, EXECUTE_READ_COST(call->body_len))) {
        mcp_fault_set(&call->fault, 503, MCP_INTERNAL, "%s",
                      call->body == NULL ? ERROR_MEMORY_SENTENCE
                                         : "The server is holding too many request bodies. Please try again later.");
        mcp_call_refuse(call);
        return;
    }
    call->work = (struct work){.run = call_read, .done = call_after_read};
    call->works = true;
    work_start(&call->work, call->api->loop, call->body_len);
}

void mcp_call_begin(struct http_exchange *ex)
{
    struct mcp_call *call = calloc(1, sizeof *call);
    const char *session = http_header(ex, "Mcp-Session-Id");

    if (call == NULL) {
        api_respond(ex, 200, NULL);
        return;
    }
    call->api = api_of(ex);
    call->run.rules = execute_rules(call->api, &api_caller(ex)->key);
    call->run.key_row = api_caller(ex)->key.row;
    if (session != NULL)
        text_copy(call->run.session, sizeof call->run.session, session);
    pending_begin(&call->pending, ex, call_on_gone);
    call->body = http_claim_body(ex, &call->claim, &call->body_len);
    call_read_body(call);
}
