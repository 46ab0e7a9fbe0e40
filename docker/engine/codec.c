#include "docker/engine/codec.h"

#include "docker/wire/confine.h"

#include <stdio.h>
#include <string.h>

#define OPEN_FILES 512        /* of a process */
#define PODMAN_PROCESSES 4096 /* of a user: far above any PidsLimit of ours */
#define CORE_BYTES 1          /* see set_core() in docker/agent/setup.c */
#define HOST_NAME "codecell"  /* the same in all cells: a program learns nothing from it */
#define OOM_SCORE 1000        /* the highest: if the host is short of memory, the kernel kills cells first */

/* A tmpfs that nothing can be written to. */
#define EMPTY "ro,nosuid,nodev,size=4096,mode=0555"
#define PODMAN_EMPTY EMPTY ",notmpcopyup"

/* Returns `whole` if all of it could be made; otherwise releases it and returns NULL. */
static json_t *keep_if(json_t *whole, bool good)
{
    if (good && whole != NULL)
        return whole;
    json_decref(whole);
    return NULL;
}

static json_t *strings(const char *const *list)
{
    json_t *array = json_array();
    bool good = true;

    for (size_t i = 0; good && list != NULL && list[i] != NULL; i++)
        good = json_array_append_new(array, json_string(list[i])) == 0;
    return keep_if(array, good);
}

static json_t *label_object(const char *const *labels)
{
    json_t *object = json_object();
    bool good = true;

    for (size_t i = 0; good && labels != NULL && labels[i] != NULL; i++) {
        const char *equals = strchr(labels[i], '=');
        good = equals != NULL &&
               json_object_setn_new(object, labels[i], (size_t)(equals - labels[i]), json_string(equals + 1)) == 0;
    }
    return keep_if(object, good);
}

static json_t *ulimit(const char *name, uint64_t value)
{
    return json_pack("{s:s, s:I, s:I}", "Name", name, "Soft", (json_int_t)value, "Hard", (json_int_t)value);
}

/* There is no nproc, because it counts a user's processes over all containers; PidsLimit counts those of one container.
 * Podman gets one nevertheless: without it, Podman asks for a million, and an engine that may not raise its own limits
 * then cannot start the container. */
static json_t *ulimits(const struct container_spec *spec)
{
    json_t *array = json_pack("[o, o]", ulimit("nofile", OPEN_FILES), ulimit("core", CORE_BYTES));
    bool fsize = spec->fsize_bytes != 0 && !spec->capsules;
    bool good = (!fsize || json_array_append_new(array, ulimit("fsize", spec->fsize_bytes)) == 0) &&
                (!spec->podman || json_array_append_new(array, ulimit("nproc", PODMAN_PROCESSES)) == 0);

    return keep_if(array, good);
}

/* The kernel lets a capsule mount a /proc of its own only if nothing hides a part of the container's; the agent then
 * hides the same in the new one. */
static json_t *masked_paths(bool capsules)
{
    json_t *array = capsules ? json_array() : strings(confine_proc_masked), *sys = strings(confine_sys_masked);
    bool good = json_array_extend(array, sys) == 0;

    json_decref(sys);
    return keep_if(array, good);
}

/* Podman takes the list as an option, separated by colons. A path with a colon in it cannot be expressed. */
static json_t *podman_masks(bool capsules)
{
    json_t *paths = masked_paths(capsules), *path;
    char text[2048];
    size_t len = (size_t)snprintf(text, sizeof text, "mask=/etc/resolv.conf"), i;

    json_array_foreach (paths, i, path)
        if (len < sizeof text && strchr(json_string_value(path), ':') == NULL)
            len += (size_t)snprintf(text + len, sizeof text - len, ":%s", json_string_value(path));
    bool whole = paths != NULL && len < sizeof text;
    json_decref(paths);
    return whole ? json_string(text) : NULL;
}

/* Podman ignores MaskedPaths and ReadonlyPaths, and has shorter lists of its own, which unmask=ALL empties. It also
 * gives every container a file with the host's name servers, which is masked as well. */
static bool add_podman_masks(json_t *options, bool capsules)
{
    return (!capsules || json_array_append_new(options, json_string("unmask=ALL")) == 0) &&
           json_array_append_new(options, podman_masks(capsules)) == 0;
}

static json_t *security(const struct container_spec *spec)
{
    json_t *array = json_pack("[s]", "no-new-privileges");
    bool good =
        (spec->seccomp == NULL || json_array_append_new(array, json_sprintf("seccomp=%s", spec->seccomp)) == 0) &&
        (spec->apparmor == NULL || json_array_append_new(array, json_sprintf("apparmor=%s", spec->apparmor)) == 0) &&
        (!spec->podman || add_podman_masks(array, spec->capsules));

    return keep_if(array, good);
}

/* /tmp has its usual mode, 1777. A capsule mounts its own on an empty one, because an image may have no /tmp. Podman
 * takes neither an owner nor a number of inodes, and copies the image's /tmp into the new one unless an option forbids
 * it. Beside a read-only root it also mounts a writable /tmp and /var/tmp of any size, unless there are some already:
 * those that hold no job's files are empty. */
static json_t *tmpfs(const struct container_spec *spec)
{
    char options[256], own[96] = "notmpcopyup";

    if (!spec->podman)
        snprintf(own, sizeof own, "nr_inodes=%llu,uid=%u,gid=%u", (unsigned long long)spec->tmpfs_inodes,
                 (unsigned)spec->uid, (unsigned)spec->uid);
    snprintf(options, sizeof options, "rw,nosuid,nodev,exec,size=%llu,mode=1777,%s",
             (unsigned long long)spec->tmpfs_bytes, own);
    const char *empty = spec->podman ? PODMAN_EMPTY : EMPTY;
    return json_pack("{s:s, s:s*}", "/tmp", spec->capsules ? empty : options, "/var/tmp", spec->podman ? empty : NULL);
}

static json_t *mounts(const struct container_spec *spec)
{
    return json_pack("[{s:s, s:s, s:s, s:b, s:{s:b}}]", "Type", "volume", "Source", spec->volume, "Target",
                     spec->volume_target, "ReadOnly", !spec->volume_write, "VolumeOptions", "NoCopy", true);
}

static json_t *sysctls(void)
{
    json_t *object = json_object();
    bool good = true;

    for (const struct confine_sysctl *one = confine_sysctls; good && one->name != NULL; one++)
        good = json_object_set_new(object, one->name, json_string(one->value)) == 0;
    return keep_if(object, good);
}

/* Fields that must be left out if they are zero, because zero means something else to an engine. */
static bool add_optional(json_t *host, const struct container_spec *spec)
{
    return (spec->tmpfs_bytes == 0 || json_object_set_new(host, "Tmpfs", tmpfs(spec)) == 0) &&
           (spec->volume == NULL || json_object_set_new(host, "Mounts", mounts(spec)) == 0) &&
           (spec->shm_bytes == 0 ||
            json_object_set_new(host, "ShmSize", json_integer((json_int_t)spec->shm_bytes)) == 0) &&
           (spec->runtime == NULL || json_object_set_new(host, "Runtime", json_string(spec->runtime)) == 0);
}

static json_t *limits(int64_t memory_bytes, int64_t nano_cpus, int64_t pids)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "Memory", (json_int_t)memory_bytes, "MemorySwap", (json_int_t)memory_bytes,
                     "NanoCpus", (json_int_t)nano_cpus, "PidsLimit", (json_int_t)pids);
}

static json_t *host_config(const struct container_spec *spec)
{
    json_t *host = limits(spec->memory_bytes, spec->nano_cpus, spec->pids);
    json_t *fixed = json_pack("{s:s, s:o, s:o, s:i, s:o, s:s, s:b, s:b, s:b, s:[s], s:o, s:o, s:{s:s}, s:{s:s}}",
                              "NetworkMode", "none", "MaskedPaths", masked_paths(spec->capsules), "ReadonlyPaths",
                              spec->capsules ? json_array() : strings(confine_proc_readonly), "OomScoreAdj", OOM_SCORE,
                              "Sysctls", sysctls(), "IpcMode", "private", "ReadonlyRootfs", spec->readonly_root, "Init",
                              false, "AutoRemove", false, "CapDrop", "ALL", "SecurityOpt", security(spec), "Ulimits",
                              ulimits(spec), "LogConfig", "Type", "none", "RestartPolicy", "Name", "no");
    bool good = json_object_update(host, fixed) == 0 && add_optional(host, spec);

    json_decref(fixed);
    return keep_if(host, good);
}

/* NetworkDisabled in addition to NetworkMode none halves the cost of a start. Healthcheck NONE switches off the image's
 * own health check. All three streams are attached, so that nothing is lost before the attach call. */
json_t *codec_container(const struct container_spec *spec)
{
    json_t *body = json_pack("{s:s, s:s, s:o, s:[], s:s, s:o, s:o, s:b, s:{s:[s]}}", "Hostname", HOST_NAME, "Image",
                             spec->image, "Entrypoint", strings(spec->entrypoint), "Cmd", "WorkingDir", "/", "Labels",
                             label_object(spec->labels), "Env", strings(spec->env), "NetworkDisabled", true,
                             "Healthcheck", "Test", "NONE");
    json_t *streams =
        json_pack("{s:b, s:b, s:b, s:b, s:b, s:b}", "Tty", false, "OpenStdin", spec->stdin_open, "StdinOnce",
                  spec->stdin_open, "AttachStdin", spec->stdin_open, "AttachStdout", true, "AttachStderr", true);
    bool good = json_object_update(body, streams) == 0 &&
                (spec->user == NULL || json_object_set_new(body, "User", json_string(spec->user)) == 0) &&
                json_object_set_new(body, "HostConfig", host_config(spec)) == 0;

    json_decref(streams);
    return keep_if(body, good);
}

json_t *codec_update_shares(unsigned shares)
{
    return json_pack("{sI}", "CpuShares", (json_int_t)shares);
}

json_t *codec_update(int64_t memory_bytes, int64_t nano_cpus, int64_t pids)
{
    return limits(memory_bytes, nano_cpus, pids);
}
