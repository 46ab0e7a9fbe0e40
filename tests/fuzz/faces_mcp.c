/* A body of POST /mcp: whatever it is, it is a message or a fault with a sentence, and the arguments of execute_code
 * that were read hold. */
#include "checks.h"

#include "base/json.h"
#include "faces/mcp_call.h"
#include "faces/mcp_tools.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An answer can be made of it. */
static void check_fault(const struct mcp_message *message, const struct mcp_fault *fault)
{
    json_t *value = mcp_error(message->id, fault);

    must(fault->status >= 400 && fault->code < 0 && fault->text[0] != '\0');
    must(value != NULL);
    json_decref(value);
}

static void check_arguments(struct mcp_call *call)
{
    if (mcp_run_read(call) == 0) {
        check_read(&call->run.request);
        check_settled(&call->run.request);
    } else {
        check_error(&call->run.error);
    }
}

static void check_message(struct mcp_call *call)
{
    const struct mcp_message *message = &call->message;
    const char *name = mcp_param(message, "name");
    const struct mcp_head head = {.version = message->version, .method = message->method, .name = name};

    must(message->method != NULL || message->id != NULL);
    if (mcp_message_check(message, &head, &call->fault) != 0)
        check_fault(message, &call->fault);
    else if (name != NULL && mcp_tool_find(name) != NULL)
        check_arguments(call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mcp_call call = {.run = {.rules = check_rules}};
    const struct json_shape *shape = mcp_tools_shape(&call.message.arena);
    char *text = malloc(size + 1); /* it is written over */

    must(text != NULL && shape != NULL);
    memcpy(text, data, size);
    if (mcp_message_read(&call.message, text, size, shape, &call.cost, &call.fault) == 0)
        check_message(&call);
    else
        check_fault(&call.message, &call.fault);
    free(text);
    request_free(&call.run.request);
    mcp_message_free(&call.message);
    return 0;
}
