/* The tools of the MCP server: a table, from which the answer to tools/list is made. */
#ifndef CODECELL_FACES_MCP_TOOLS_H
#define CODECELL_FACES_MCP_TOOLS_H

#include "api/execute_read.h"
#include "base/fields.h"
#include "languages/catalog.h"

struct mcp_call;

struct mcp_tool {
    const char *name, *title, *description;
    bool reads_only;             /* it changes nothing, and may be repeated */
    const struct fields *input;  /* of its arguments */
    const struct fields *output; /* of its structured result */
    /* The arguments to what run() needs; any thread. 0, or -1 with call->run.error. NULL: it looks at none. */
    int (*read)(struct mcp_call *call);
    void (*run)(struct mcp_call *call); /* ends with an mcp_call_… */
};

const struct mcp_tool *mcp_tool_find(const char *name); /* NULL: none */

/* The parts of arguments that any of them reads. NULL: out of memory. */
const struct json_shape *mcp_tools_shape(struct arena *arena);

/* The result of tools/list. The languages that are offered are named in it. A new reference. */
json_t *mcp_tools_list(struct catalog *languages, const struct execute_rules *rules);

#endif
