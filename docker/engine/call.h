/* One call to the engine: a request, its answer, a deadline. */
#ifndef CODECELL_DOCKER_ENGINE_CALL_H
#define CODECELL_DOCKER_ENGINE_CALL_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct engine;

#define ENGINE_CALLS_MAX 1024u              /* at once; more are refused */
#define ENGINE_REPLY_MAX ((size_t)16 << 20) /* bytes of an answer */

/* `status` is the HTTP status; 0: there was no answer, and `error` says why without naming a path or an address.
 * `reply` is the parsed JSON body, borrowed; NULL: there is none. For a status from 400, `error` holds the engine's own
 * message, which is for logs and never for clients. */
typedef void call_done(void *arg, int status, json_t *reply, const struct error *error);

struct call_options {
    const char *method; /* "GET", "POST", "PUT", "DELETE" */
    const char *path;   /* after the version: "/containers/abc/start"; already escaped; copied */
    json_t *body;       /* sent as JSON; the reference is taken; NULL: none */
    const void *raw;    /* or: sent as application/x-tar; copied; NULL: none */
    size_t raw_len;
    uint64_t deadline_ms; /* for the whole call; must not be 0 */
    const char *metric;   /* the operation's name in metrics: "create", "start", …; kept by pointer */
};

/* Starts one. `done` fires exactly once, later, from the loop, even if the call could not be started. The returned
 * pointer is valid until then. NULL: out of memory, and `done` will not fire. */
struct call *engine_call(struct engine *engine, const struct call_options *options, call_done *done, void *arg);
void call_cancel(struct call *call); /* no callback after this; the engine may still carry it out */

/* For engine.c. A ping: like engine_call, but the path has no version before it, and the engine's state does not
 * matter. `inspect` fires before `done` if there was an answer. */
typedef void call_inspect(struct engine *engine, const struct call *call, int status);
struct call *call_ping(struct engine *engine, const struct call_options *options, call_inspect *inspect,
                       call_done *done, void *arg);
const char *call_header(const struct call *call, const char *name);     /* of the answer; NULL: it has none */
void call_refuse_all(struct engine *engine, const struct error *error); /* those under way fail at the next turn */
void call_fire_refused(struct engine *engine);                          /* the next turn has come */

#endif
