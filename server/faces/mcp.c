/* The Model Context Protocol over Streamable HTTP, in both of its eras: one URL to paste for every host of models.
 * docs/faces/mcp.md says what it offers. */
#include "api/cors.h"
#include "base/json.h"
#include "faces/face.h"
#include "faces/mcp_call.h"
#include "faces/mcp_reach.h"

static void mcp_post(struct http_exchange *ex)
{
    const char *origin = api_cors_allows(ex) ? NULL : http_header(ex, "Origin");
    const char *wrong = mcp_unreachable(origin, http_header(ex, "Host"), http_is_direct_local(ex));

    if (wrong != NULL)
        http_respond_error(ex, 403, wrong);
    else
        mcp_call_begin(ex);
}

/* What is refused before the message was read has no id. */
static char *mcp_error_body(int status, const char *detail, size_t *len)
{
    struct mcp_fault fault;

    mcp_fault_set(&fault, status, MCP_REFUSED, "%s", detail);
    json_t *value = mcp_error(NULL, &fault);
    char *text = value != NULL ? json_text(value, len) : NULL;
    json_decref(value);
    return text;
}

static const struct http_route routes[] = {
    {"POST", "/mcp", mcp_post, API_KEY | API_EXECUTE | API_CHARGES},
    {.method = NULL},
};

static const char *const covers[] = {"/mcp", NULL};

static const struct http_key_place keys[] = {
    {HTTP_KEY_AUTHORIZATION, "Bearer"},
    {HTTP_KEY_HEADER, "X-API-Key"},
    {HTTP_KEY_QUERY, "key"},
    {HTTP_KEY_NONE, NULL},
};

const struct face face_mcp = {
    .name = "mcp",
    .title = "MCP",
    .routes = routes,
    .covers = covers,
    .manners = {.error_type = "application/json", .error_body = mcp_error_body, .keys = keys, .cost = 1},
    .credits = 1,
};
