/* What Codecell says to the engine and what it reads from its answers: JSON bodies both ways, the tar
 * archive that carries the agent, and our seccomp profile. Pure functions, no loop.
 *
 * Answers come from Docker Engine 20.10 to 29 and Podman, which differ: a field that is missing or of
 * another type is read as its zero value, never trusted to be there. */
#ifndef CODECELL_DOCKER_ENGINE_CODEC_H
#define CODECELL_DOCKER_ENGINE_CODEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define CODEC_ID_MAX 128u                     /* characters of a container's or image's id */
#define CODEC_TAR_NAME_MAX 100u               /* bytes of a file's name in an archive */
#define CODEC_TAR_DATA_MAX ((size_t)64 << 20) /* bytes of a file in an archive */

/* One container to create. Strings are borrowed. */
struct container_spec {
    const char *image;             /* reference or id */
    const char *const *entrypoint; /* NULL after the last; the image's own entrypoint and command never run */
    const char *const *labels;     /* "name=value", NULL after the last; NULL: none */
    const char *const *env;        /* "NAME=value", NULL after the last; NULL: none */
    const char *user;              /* "10007:10007"; NULL: the image's */
    int64_t memory_bytes;          /* 0: no limit; swap is never added */
    int64_t nano_cpus;             /* 1000000000 is one core; 0: no limit */
    int64_t pids;                  /* 0: no limit */
    uint64_t tmpfs_bytes;          /* of /tmp, the only place that can be written to; 0: no /tmp of ours */
    uint64_t tmpfs_inodes;
    uint32_t uid;              /* /tmp belongs to it (user and group) */
    const char *volume;        /* a volume's name; NULL: none */
    const char *volume_target; /* the path that it is mounted at */
    bool volume_write;         /* false: read-only */
    const char *runtime;       /* NULL: the engine's default */
    const char *seccomp;       /* a profile's JSON text; NULL: the engine's default (Podman takes no text) */
    uint64_t fsize_bytes;      /* largest file that may be written; 0: no limit */
    uint64_t shm_bytes;        /* /dev/shm; 0: the engine's default */
    bool readonly_root;
    bool stdin_open; /* standard input is attached, once: when its writer goes, it ends */
    bool podman;     /* Podman reads it: it wants some things said otherwise */
};

/* Body of POST /containers/create. The name goes into the query. NULL: out of memory, or a string that is
 * not UTF-8 or a label without '='. */
json_t *codec_container(const struct container_spec *spec);

/* Body of POST /containers/{id}/update: the limits that a running container takes. NULL: out of memory. */
json_t *codec_update(int64_t memory_bytes, int64_t nano_cpus, int64_t pids);

/* The same of its weight among all that want the processors; all else stays. */
json_t *codec_update_shares(unsigned shares);

/* Our seccomp profile as JSON text; free() it. NULL: out of memory. See codec_seccomp.c for what it refuses
 * and why. */
char *codec_seccomp(void);

/* Appends a ustar archive with one file, owned by root, of this mode. 0, or -1 where a name, a size or the
 * buffer's maximum is past its cap (the buffer is then as before). */
int codec_tar_file(struct buf *out, const char *name, const void *data, size_t len, unsigned mode);
/* The same with one folder. */
int codec_tar_folder(struct buf *out, const char *name, unsigned mode);

/* Id in the reply of POST /containers/create, borrowed from it: at most CODEC_ID_MAX letters, digits, '.',
 * '_' and '-', so that it fits into a path. NULL where there is none. */
const char *codec_created_id(const json_t *reply);

/* State in the reply of GET /containers/{id}/json. */
struct container_state {
    bool running;
    bool dead;       /* ended, or could not be removed */
    bool oom_killed; /* true proves nothing while it runs, and false nothing on Podman */
    int64_t exit_code;
    int64_t pid;         /* on the engine's host; 0: none */
    const char *error;   /* why it could not start; "" : none; borrowed from the reply */
    const char *started; /* RFC 3339, "" : unknown; borrowed */
};
/* 0, or -1 where the reply holds no state at all. */
int codec_state(const json_t *reply, struct container_state *out);

/* One of GET /containers/json. Borrowed from the reply. */
struct container_entry {
    const char *id;
    const char *state;    /* "created", "running", "exited", …; "" where unknown */
    int64_t created_s;    /* Unix time; 0 where unknown */
    const json_t *labels; /* for codec_label */
};
typedef void codec_container_seen(void *arg, const struct container_entry *entry);
/* Calls `seen` for each entry that has a usable id. How many, or -1 where the reply is no list. */
long codec_containers(const json_t *reply, codec_container_seen *seen, void *arg);
const char *codec_label(const struct container_entry *entry, const char *name); /* NULL: not there */

/* Runtimes in the reply of GET /info; borrowed. */
struct engine_info {
    const json_t *runtimes;      /* an object by their names; NULL: not told */
    const char *default_runtime; /* "" where unknown */
};
/* 0, or -1 where the reply is no object. */
int codec_info(const json_t *reply, struct engine_info *out);

/* Image in the reply of GET /images/{name}/json. */
struct image_info {
    const char *id;       /* "sha256:…"; borrowed */
    size_t volumes;       /* VOLUMEs that it declares: each would be a place to write to, past disk_mb */
    const char *arch;     /* "amd64"; "" where unknown; borrowed */
    int64_t size;         /* bytes; 0 where unknown */
    const json_t *labels; /* an object of strings; NULL: none; borrowed, as the next two */
    const json_t *layers; /* the hashes of its layers, the lowest first; NULL: not told */
    const json_t *env;    /* "NAME=value" of every container of it; NULL: none */
};
/* 0, or -1 where the reply has no id. */
int codec_image(const json_t *reply, struct image_info *out);

#endif
