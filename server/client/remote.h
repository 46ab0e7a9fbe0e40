/* Calls of a server's API by the commands that are its clients (server/cli_*.c). They block until the answer is there.
 */
#ifndef CODECELL_CLIENT_REMOTE_H
#define CODECELL_CLIENT_REMOTE_H

#include "base/buf.h"
#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define REMOTE_URL_MAX 2048 /* with the NUL */
#define REMOTE_KEY_MAX 128
#define REMOTE_ANSWER_MAX ((size_t)1 << 30) /* bytes of an answer that is kept whole */

struct remote {
    char url[REMOTE_URL_MAX]; /* without a slash at its end */
    char key[REMOTE_KEY_MAX]; /* "": none */
};

/* `url` and `key` are those of the settings. A variable that the environment does not have is taken from the file
 * `codecell` in the user's folder for settings ($XDG_CONFIG_HOME, or ~/.config), which has lines such as
 * CODECELL_KEY=cc_…; a file that is not there is empty. 0, or -1. */
int remote_init(struct remote *remote, const char *url, const char *key, struct error *error);

struct remote_call {
    const char *method, *path; /* the path begins with a slash, and its parts are escaped (remote_escape) */
    const char *type;          /* of the body; NULL: there is no body */
    const char *accept;        /* NULL: anything */
    const char *data;          /* the body, `len` bytes; NULL: it is read from `file` */
    size_t len;
    FILE *file;    /* at its start; its size is known if it is a regular file */
    bool progress; /* standard error shows how far the transfer is */
    /* Pieces of a body whose status is 2xx, as they come. Non-zero ends the transfer. NULL: the body is kept. */
    int (*on_data)(void *arg, const char *data, size_t len);
    void *arg;
};

struct remote_answer {
    long status;
    struct buf body; /* what on_data did not get */
};

/* 0: there is an answer, whatever its status; the caller frees it with remote_free(). -1: there is none, or it was cut,
 * or on_data ended it. */
int remote_send(const struct remote *remote, const struct remote_call *call, struct remote_answer *answer,
                struct error *error);
void remote_free(struct remote_answer *answer);

/* Whether the status is 2xx; else `error` gets the server's sentence. */
bool remote_is_good(const struct remote_answer *answer, struct error *error);

/* Sends a request whose answer is JSON, and reads it. NULL: it failed, or the server refused it. The caller releases
 * the value. `body` may be NULL. */
json_t *remote_json(const struct remote *remote, const char *method, const char *path, const json_t *body,
                    struct error *error);

/* Appends text as one part of a path. With `slashes`, slashes stay. 0, or -1: `out` is full. */
int remote_escape(struct buf *out, const char *text, bool slashes);

#endif
