/* What we read from the engine's answers. Docker Engine 20.10 to 29 and Podman differ: a field that is missing or has
 * another type reads as its zero value. What is returned is borrowed from the reply. */
#ifndef CODECELL_DOCKER_ENGINE_CODEC_READ_H
#define CODECELL_DOCKER_ENGINE_CODEC_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODEC_ID_MAX 128u /* characters of a container's or image's id */

/* Id in the reply of POST /containers/create: at most CODEC_ID_MAX letters, digits, '.', '_' and '-', so that it is
 * safe in a path. NULL: there is no such id. */
const char *codec_created_id(const json_t *reply);

/* State in the reply of GET /containers/{id}/json. */
struct container_state {
    bool running;
    bool dead;       /* ended, or could not be removed */
    bool oom_killed; /* true proves nothing while it runs; false proves nothing on Podman */
    int64_t exit_code;
    int64_t pid;         /* on the engine's host; 0: none */
    const char *error;   /* why it could not start; "": it could */
    const char *started; /* RFC 3339; "": unknown */
};
/* 0, or -1: the reply has no state at all. */
int codec_state(const json_t *reply, struct container_state *out);

/* One container in the reply of GET /containers/json. */
struct container_entry {
    const char *id;
    const char *state;    /* "created", "running", "exited", …; "": unknown */
    int64_t created_s;    /* Unix time; 0: unknown */
    const json_t *labels; /* for codec_label */
};
typedef void codec_container_seen(void *arg, const struct container_entry *entry);
/* Calls `seen` for each entry that has a usable id. Returns their number, or -1: the reply is not a list. */
long codec_containers(const json_t *reply, codec_container_seen *seen, void *arg);
const char *codec_label(const struct container_entry *entry, const char *name); /* NULL: it has no such label */

/* Runtimes in the reply of GET /info. */
struct engine_info {
    const json_t *runtimes;      /* an object by their names; NULL: unknown */
    const char *default_runtime; /* "": unknown */
};
/* 0, or -1: the reply is not an object. */
int codec_info(const json_t *reply, struct engine_info *out);

/* Image in the reply of GET /images/{name}/json. */
struct image_info {
    const char *id;       /* "sha256:…" */
    size_t volumes;       /* VOLUMEs that it declares: each would be a place to write to, past disk_mb */
    const char *arch;     /* "amd64"; "": unknown */
    int64_t size;         /* bytes; 0: unknown */
    const json_t *labels; /* an object of strings; NULL: none */
    const json_t *layers; /* the hashes of its layers, the lowest first; NULL: unknown */
    const json_t *env;    /* "NAME=value" of every container made from it; NULL: none */
};
/* 0, or -1: the reply has no id. */
int codec_image(const json_t *reply, struct image_info *out);

#endif
