/* One message of an MCP client, from its body to its answer. For the files mcp*.c.
 *
 *   mcp_call_begin() ─ the body is read (a large one on a worker thread) ─ read() ─ an mcp_call_… that answers and
 * frees └ the client goes away: leave(), then the call is freed
 */
#ifndef CODECELL_FACES_MCP_CALL_H
#define CODECELL_FACES_MCP_CALL_H

#include "api/api.h"
#include "api/pending.h"
#include "api/work.h"
#include "faces/mcp_message.h"
#include "faces/mcp_run.h"

struct mcp_stream;
struct mcp_tool;

#define MCP_SESSION_MAX 64 /* characters of Mcp-Session-Id that count */

struct mcp_call {
    struct pending pending;
    struct api *api;
    struct mcp_message message;
    struct mcp_fault fault;
    const struct mcp_tool *tool; /* of tools/call; NULL: none of this name */
    struct mcp_run run;          /* of the tool execute_code */
    struct mcp_stream *stream;   /* the answer is events; NULL: it is plain */
    bool rate_shown;             /* the answer has the headers of the key's rate */

    struct work work;
    bool works; /* a worker has the call */
    int failed; /* what the worker's function returned */
    char *body; /* until it was read */
    size_t body_len, cost;
    struct http_claim claim;
    char *text; /* the answer, if a worker has made it */
    size_t text_len;
};

/* Takes the body of an admitted exchange and answers its message. */
void mcp_call_begin(struct http_exchange *ex);

/* The ends: each answers and frees the call. A `value` of NULL: there was no memory for it. */
void mcp_call_accept(struct mcp_call *call);                     /* 202, for what wants no answer */
void mcp_call_answer(struct mcp_call *call, json_t *result);     /* takes the result */
void mcp_call_answer_text(struct mcp_call *call);                /* `text` is the answer */
void mcp_call_refuse(struct mcp_call *call);                     /* the fault */
void mcp_call_tell(struct mcp_call *call, const char *sentence); /* a result of a tool that says what is wrong */

/* The client has gone: frees the call without an answer. */
void mcp_call_drop(struct mcp_call *call);

/* Adds the headers of the key's rate to the answer, once. */
void mcp_call_show_rate(struct mcp_call *call);

/* A result of a tool, as mcp_call_tell() makes it. A new reference. */
json_t *mcp_told(const char *sentence);

#endif
