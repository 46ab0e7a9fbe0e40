/* A JSON-RPC message of an MCP client, read from a body. Pure: it may run on a worker thread.
 *
 * MCP has two eras. In the legacy one (2025-11-25 and before) a client first sends `initialize`. In the modern one
 * (2026-07-28) each request carries its version in `_meta`, and headers that repeat parts of the body. */
#ifndef CODECELL_FACES_MCP_MESSAGE_H
#define CODECELL_FACES_MCP_MESSAGE_H

#include "base/arena.h"
#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define MCP_MODERN "2026-07-28"
#define MCP_LEGACY "2025-11-25" /* the newest of its era */

/* All versions that we speak, the newest first; NULL after the last. */
extern const char *const mcp_versions[];

/* Errors of JSON-RPC and of MCP. */
enum mcp_code {
    MCP_PARSE_ERROR = -32700,
    MCP_INVALID_REQUEST = -32600,
    MCP_NO_METHOD = -32601,
    MCP_INVALID_PARAMS = -32602,
    MCP_INTERNAL = -32603,
    MCP_REFUSED = -32000, /* by the server, before it looked at the message: the HTTP status says why */
    MCP_HEADER_MISMATCH = -32020,
    MCP_OTHER_VERSION = -32022,
};

struct mcp_fault {
    int status; /* of HTTP */
    enum mcp_code code;
    char text[512];
    const char *requested; /* with MCP_OTHER_VERSION: the client's version, within the message or the headers */
};

/* What the headers of a request say; NULL: nothing. */
struct mcp_head {
    const char *version; /* MCP-Protocol-Version */
    const char *method;  /* Mcp-Method */
    const char *name;    /* Mcp-Name */
};

/* All zero at first. What it points to lies in `root`. */
struct mcp_message {
    struct arena arena;
    json_t *root;           /* the arena's */
    const json_t *id;       /* a string or a number; NULL: a notification, or it could not be read */
    const char *method;     /* NULL: the client answers something; we never ask */
    const json_t *params;   /* an object; NULL: none */
    const char *version;    /* of `_meta`; NULL: the legacy era */
    const json_t *progress; /* `_meta`'s progressToken, a string or a number; NULL: none */
};

struct json_shape;

/* Reads `len` bytes, which are written over. `arguments`: the parts of params.arguments that are kept. `*cost`: about
 * how many bytes the message takes. 0, or -1 with the fault; the message's id may be known all the same. */
int mcp_message_read(struct mcp_message *message, char *text, size_t len, const struct json_shape *arguments,
                     size_t *cost, struct mcp_fault *fault);

/* Checks version and headers of a request or notification: 0, or -1 with the fault. */
int mcp_message_check(const struct mcp_message *message, const struct mcp_head *head, struct mcp_fault *fault);

void mcp_message_free(struct mcp_message *message);

/* A text among the params; NULL: there is none of this name. */
const char *mcp_param(const struct mcp_message *message, const char *name);

/* Sets the fault. Returns -1. */
int mcp_fault_set(struct mcp_fault *fault, int status, enum mcp_code code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* New references. */
json_t *mcp_versions_json(void);
json_t *mcp_server_info(void); /* {name, title, version} */

/* {"jsonrpc", "id", "result"}, where `result` is taken; a legacy client does not get what is for modern ones. And the
 * same with an error. A new reference; NULL: out of memory. */
json_t *mcp_result(const struct mcp_message *message, json_t *result);
json_t *mcp_error(const json_t *id, const struct mcp_fault *fault);

#endif
