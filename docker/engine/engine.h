/* The container engine (Docker Engine 20.10 to 29, or another that speaks its API) as seen from the loop: is it there?
 * Calls are in call.h, streams in attach.h. The API version is negotiated by GET /_ping, and again after each
 * reconnect.
 *
 *   unknown ─ a ping was answered ─ up ─ a call could not connect ─ down ─ ping with back-off (0.1 to 2 s) ─ up
 *
 * While it is down, a call fails at once with ERROR_UNAVAILABLE. */
#ifndef CODECELL_DOCKER_ENGINE_ENGINE_H
#define CODECELL_DOCKER_ENGINE_ENGINE_H

#include "base/error.h"

#include <stdbool.h>
#include <uv.h>

struct engine;

struct engine_options {
    const char *host;      /* DOCKER_HOST: "unix:///path", "tcp://host:port"; NULL: unix:///var/run/docker.sock */
    bool tls_verify;       /* DOCKER_TLS_VERIFY is set and not empty */
    const char *cert_path; /* DOCKER_CERT_PATH: folder with ca.pem, cert.pem, key.pem; NULL: none */
    /* The engine is up now, or down; first once that is known. From the loop, never from within the owner's own call.
     * NULL: the owner does not listen. */
    void (*on_change)(void *arg, bool up);
    void *arg;
};

/* Starts connecting. 0, or -1 and a sentence if the options are wrong. */
int engine_open(struct engine **out, uv_loop_t *loop, const struct engine_options *options, struct error *error);
bool engine_is_up(const struct engine *engine);
const char *engine_api_version(const struct engine *engine); /* "1.41"; NULL before the first answer */
bool engine_is_podman(const struct engine *engine);          /* by the answer to the last ping */

/* Ends every call and stream (their callbacks fire with ERROR_UNAVAILABLE). When the owners have closed the streams,
 * the engine is freed, then `closed` fires. Allowed from within any callback. */
void engine_close(struct engine *engine, void (*closed)(void *arg), void *arg);

#endif
