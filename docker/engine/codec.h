/* JSON bodies that we send to the engine. Pure functions, no loop. Other halves: codec_read.h (the engine's answers),
 * codec_tar.h (the archive that carries the agent), codec_seccomp.h. */
#ifndef CODECELL_DOCKER_ENGINE_CODEC_H
#define CODECELL_DOCKER_ENGINE_CODEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

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
    uint32_t uid;              /* owner of /tmp (user and group) */
    const char *volume;        /* a volume's name; NULL: none */
    const char *volume_target; /* the path that it is mounted at */
    bool volume_write;         /* false: read-only */
    const char *runtime;       /* NULL: the engine's default */
    const char *seccomp;       /* a profile's JSON text; NULL: the engine's default (Podman takes no text) */
    const char *apparmor;      /* a profile's name; NULL: the engine's default. Ignored on a host without AppArmor */
    uint64_t fsize_bytes;      /* largest file that may be written; 0: no limit */
    uint64_t shm_bytes;        /* /dev/shm; 0: the engine's default */
    bool readonly_root;
    bool stdin_open; /* standard input is attached, once: it ends when its writer closes the stream */
    bool podman;     /* the engine is Podman, which wants some things in another form */
    bool capsules;   /* the agent makes capsules. So all of /proc is open to it, and `tmpfs_inodes` and `fsize_bytes`
                        are not used, and /tmp is empty: they are each capsule's own */
};

/* Body of POST /containers/create. The container's name is not in it, but in the query. NULL: out of memory, a string
 * that is not UTF-8, or a label without '='. */
json_t *codec_container(const struct container_spec *spec);

/* Body of POST /containers/{id}/update: the limits that can change while a container runs. NULL: out of memory. */
json_t *codec_update(int64_t memory_bytes, int64_t nano_cpus, int64_t pids);

/* Body of the same call: the container's weight among all that want the processors; its limits stay. NULL: out of
 * memory. */
json_t *codec_update_shares(unsigned shares);

#endif
