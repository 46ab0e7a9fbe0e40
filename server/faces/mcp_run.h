/* The tool execute_code: a call's arguments to a run, and its end to the call's result. */
#ifndef CODECELL_FACES_MCP_RUN_H
#define CODECELL_FACES_MCP_RUN_H

#include "api/execute_answer.h"
#include "api/execute_read.h"
#include "base/list.h"
#include "store/rates.h"

struct charge;
struct mcp_call;
struct run;

#define MCP_TAIL_MAX 200 /* bytes of the newest output, for progress */

/* A part of struct mcp_call. */
struct mcp_run {
    struct execute_rules rules; /* of every call */
    struct execution_request request;
    struct error error;    /* why the arguments are wrong */
    struct charge *charge; /* NULL: it does not wait for the rate */
    bool charged;          /* `rate` is known */
    struct rate_verdict rate;
    struct run *run; /* NULL: not begun, or over */
    struct execute_answer answer;
    struct list node; /* of the calls that can be cancelled */
    int64_t key_row;
    char session[65];          /* the client's Mcp-Session-Id; "": none */
    int64_t bytes, told_bytes; /* of output, and when progress was told last */
    char tail[MCP_TAIL_MAX];
    size_t tail_len;
};

int mcp_run_read(struct mcp_call *call);   /* the arguments; any thread. 0, or -1 with run.error */
void mcp_run_start(struct mcp_call *call); /* the tool's run() */
void mcp_run_leave(struct mcp_call *call); /* the client has gone */
void mcp_run_free(struct mcp_call *call);

/* Ends the execution of the request `id` of the same key and session, if exactly one is under way. */
void mcp_run_cancel(const struct mcp_call *call, const json_t *id);

/* The text for a model: what the program wrote, and how it ended. 0, or -1 out of memory. */
int mcp_run_text(struct buf *out, const struct execution_result *result);

#endif
