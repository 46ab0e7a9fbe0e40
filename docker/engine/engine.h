/* The container engine (Docker Engine 20.10 to 29, or another that speaks its API) as seen from the
 * loop: is it there, and one call to it. Connection, TLS and DOCKER_HOST are read here; the API version
 * is negotiated by GET /_ping and again after each reconnect.
 *
 *   unknown ─ ping answered ─ up ─ a call could not connect ─ down ─ ping with back-off (0.1 to 2 s) ─ up
 *
 * While down, a call fails at once with ERROR_UNAVAILABLE; on_change tells the owner of each change. */
#ifndef CODECELL_DOCKER_ENGINE_ENGINE_H
#define CODECELL_DOCKER_ENGINE_ENGINE_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct engine;
struct call;

struct engine_options {
    const char *host;      /* DOCKER_HOST: "unix:///path", "tcp://host:port"; NULL: unix:///var/run/docker.sock */
    bool tls_verify;       /* DOCKER_TLS_VERIFY is set and not empty */
    const char *cert_path; /* DOCKER_CERT_PATH: folder with ca.pem, cert.pem, key.pem; NULL: none */
    void (*on_change)(void *arg, bool up); /* from the loop, never from within a call to
                                              the engine; first once it is known; may be NULL */
    void *arg;
};

/* Starts connecting. 0, or -1 where the options cannot be right (a sentence). */
int engine_open(struct engine **out, uv_loop_t *loop, const struct engine_options *options, struct error *error);
bool engine_is_up(const struct engine *engine);
const char *engine_api_version(const struct engine *engine); /* "1.41"; NULL before the first answer */
bool engine_is_podman(const struct engine *engine);          /* from /_ping's answer */

/* Ends every call and stream (their callbacks fire, ERROR_UNAVAILABLE); once the streams are closed by their
 * owners, it is freed, then `closed`. Allowed from within any callback. */
void engine_close(struct engine *engine, void (*closed)(void *arg), void *arg);

/* One call. `status` is the HTTP status, or 0 where there was no answer (then `error` says why, without
 * naming paths or addresses). `reply` is the parsed JSON body, NULL where it has none; borrowed. For a
 * status from 400, `error` holds the engine's own message: for logs, never for clients. */
typedef void call_done(void *arg, int status, json_t *reply, const struct error *error);

struct call_options {
    const char *method; /* "GET", "POST", "PUT", "DELETE" */
    const char *path;   /* behind the version: "/containers/abc/start"; copied; already escaped */
    json_t *body;       /* sent as JSON; the reference is taken; NULL: none */
    const void *raw;    /* or: sent as application/x-tar; copied; NULL: none */
    size_t raw_len;
    uint64_t deadline_ms; /* for the whole call; must not be 0 */
    const char *metric;   /* the operation's name in metrics: "create", "start", … ; kept by pointer */
};

/* Starts one; `done` fires exactly once, later, from the loop, also where it could not be started.
 * The returned call is good until then. NULL: out of memory for it, and `done` will not fire. */
struct call *engine_call(struct engine *engine, const struct call_options *options, call_done *done, void *arg);
void call_cancel(struct call *call); /* no callback after this; the engine may still carry it out */

/* Attach: the hijacked stream of one container, raw bytes in, stdout bytes out (the engine's 8-byte
 * stream headers are taken off; what the container writes to stderr is dropped). */
struct attach;

struct attach_events {
    void (*on_open)(void *arg); /* 101 came (or Podman's 200): writing is allowed */
    void (*on_data)(void *arg, const uint8_t *data, size_t len);
    void (*on_drain)(void *arg);                          /* the write queue fell below ATTACH_LOW */
    void (*on_end)(void *arg, const struct error *error); /* the stream's end (error->code ERROR_NONE) or its
                                                             failure; last event; not after attach_close */
};

#define ATTACH_LOW ((size_t)64 << 10)
#define ATTACH_QUEUE_MAX ((size_t)4 << 20) /* bytes that may wait to be written */

/* Opens the stream to a created container. on_open or on_end follows, later. NULL: out of memory. */
struct attach *attach_open(struct engine *engine, const char *container, uint64_t deadline_ms,
                           const struct attach_events *events, void *arg);
/* Writes bytes, in the order of the calls: little at once, as far as the socket takes it, the rest (copied) from the
 * loop. No event fires within. 0, or -1 where the queue would pass ATTACH_QUEUE_MAX (nothing is queued). They are
 * dropped where the stream is not open, or its other end takes no more: on_end tells. */
int attach_write(struct attach *attach, const void *data, size_t len);
size_t attach_queued(const struct attach *attach);
/* Stops and resumes reading (for back-pressure of output). */
void attach_pause(struct attach *attach, bool paused);
/* Closes and frees; no event after this. Allowed from within any event, needed after on_end too. */
void attach_close(struct attach *attach);

#endif
