#include "docker/cell/volume.h"

#include "base/buf.h"
#include "base/seam.h"
#include "base/text.h"
#include "docker/engine/codec.h"
#include "docker/engine/codec_tar.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ARCHIVE_MAX (32u << 20)

/* FNV-1a, 64 bits: good enough to tell versions of the agent apart. */
static uint64_t fingerprint(const unsigned char *data, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ data[i]) * 0x100000001b3u;
    return hash;
}

void volume_init(struct volume *volume, struct cells *cells, const void *agent, size_t len)
{
    *volume = (struct volume){.cells = cells, .agent = agent, .agent_len = len};
    snprintf(volume->name, sizeof volume->name, "codecell-agent-%.8s-%016llx", cells->instance,
             (unsigned long long)fingerprint(agent, len));
}

static void volume_call(struct volume *volume, const struct call_options *options, call_done *next)
{
    volume->call = engine_call(volume->cells->engine, options, next, volume);
}

static bool volume_failed(struct volume *volume, const char *what, int status, const struct error *error)
{
    volume->call = NULL;
    if (status >= 200 && status < 300)
        return false;
    error_set(&volume->error, status == 0 ? ERROR_UNAVAILABLE : ERROR_INTERNAL, "%s: %s", what, error->text);
    return true;
}

static void volume_finish(struct volume *volume)
{
    volume->call = NULL;
    volume->container[0] = '\0'; /* if it could not be removed, the reaper removes it */
    volume->done(volume->arg, volume->error.code == ERROR_NONE ? NULL : &volume->error);
}

static void on_filler_removed(void *arg, int status, json_t *reply, const struct error *error)
{
    struct volume *volume = arg;

    (void)status, (void)reply, (void)error;
    volume_finish(volume);
}

static void volume_remove_filler(struct volume *volume)
{
    char path[CELL_NAME_MAX + 40];

    snprintf(path, sizeof path, "/containers/%s?force=1", volume->container);
    volume_call(
        volume,
        &(struct call_options){.method = "DELETE", .path = path, .deadline_ms = CELL_CALL_MS, .metric = "remove"},
        on_filler_removed);
}

/* Extracts the archive at `place` in the container, and frees it. `made` is not 0: the archive could not be made. */
static void volume_put(struct volume *volume, int made, struct buf *tar, const char *place, call_done *next)
{
    char path[CELL_NAME_MAX + 80];

    if (made != 0) {
        error_memory(&volume->error);
        volume_remove_filler(volume);
    } else {
        snprintf(path, sizeof path, "/containers/%s/archive?path=%s", volume->container, place);
        volume_call(volume,
                    &(struct call_options){.method = "PUT",
                                           .path = path,
                                           .raw = tar->data,
                                           .raw_len = tar->len,
                                           .deadline_ms = CELL_CALL_MS,
                                           .metric = "archive"},
                    next);
    }
    buf_free(tar);
}

static void on_folder_put(void *arg, int status, json_t *reply, const struct error *error)
{
    struct volume *volume = arg;

    (void)reply;
    volume_failed(volume, "close the agent's folder", status, error);
    volume_remove_filler(volume);
}

/* Sets the folder's mode. Docker ignores an archive's root entry, so the archive names the mounted folder. Podman can
 * extract into the mounted folder only, and does not ignore the root entry. */
static void put_folder(struct volume *volume)
{
    bool podman = volume->cells->podman;
    struct buf tar;

    buf_init(&tar, ARCHIVE_MAX);
    int made = codec_tar_folder(&tar, podman ? "./" : &CELL_AGENT_FOLDER[1], 0711);
    volume_put(volume, made, &tar, podman ? CELL_AGENT_FOLDER : "/", on_folder_put);
}

static void on_agent_put(void *arg, int status, json_t *reply, const struct error *error)
{
    struct volume *volume = arg;

    (void)reply;
    if (volume_failed(volume, "put the agent into its volume", status, error))
        volume_remove_filler(volume);
    else
        put_folder(volume);
}

/* All cells share the file and its folder. A program that could open them could lock them, which programs in other
 * cells would notice, and could watch other cells start. So the file can only be executed, and the folder only be
 * entered. */
static void put_agent(struct volume *volume)
{
    struct buf tar;

    buf_init(&tar, ARCHIVE_MAX);
    int made = codec_tar_file(&tar, "agent", volume->agent, volume->agent_len, 0111);
    volume_put(volume, made, &tar, CELL_AGENT_FOLDER, on_agent_put);
}

static void on_filler_created(void *arg, int status, json_t *reply, const struct error *error)
{
    struct volume *volume = arg;

    (void)reply;
    if (volume_failed(volume, "create the agent's container", status, error))
        volume_finish(volume);
    else
        put_agent(volume);
}

static json_t *volume_container_body(const struct volume *volume)
{
    static const char role[] = LABEL_ROLE_AGENT;
    char instance[80], name[CELL_NAME_MAX + 32];

    snprintf(instance, sizeof instance, LABEL_INSTANCE "=%s", volume->cells->instance);
    snprintf(name, sizeof name, LABEL_NAME "=%s", volume->container);
    return codec_container(&(struct container_spec){
        .image = volume->image,
        .entrypoint = (const char *const[]){CELL_AGENT_PATH, NULL},
        .user = "0:0",
        .labels = (const char *const[]){instance, role, name, NULL},
        .memory_bytes = 64 << 20,
        .nano_cpus = 1000000000,
        .pids = 8,
        .tmpfs_bytes = 1 << 20,
        .tmpfs_inodes = 16,
        .volume = volume->name,
        .volume_target = CELL_AGENT_FOLDER,
        .volume_write = true,
        .fsize_bytes = ARCHIVE_MAX,
        .shm_bytes = 1 << 20,
        .podman = volume->cells->podman,
    });
}

static void on_volume_created(void *arg, int status, json_t *reply, const struct error *error)
{
    struct volume *volume = arg;
    char path[CELL_NAME_MAX + 40];

    (void)reply;
    if (volume_failed(volume, "create the agent's volume", status, error)) {
        volume_finish(volume);
        return;
    }
    snprintf(path, sizeof path, "/containers/create?name=%s", volume->container);
    volume_call(volume,
                &(struct call_options){.method = "POST",
                                       .path = path,
                                       .body = volume_container_body(volume),
                                       .deadline_ms = CELL_CALL_MS,
                                       .metric = "create"},
                on_filler_created);
}

void volume_fill(struct volume *volume, const char *image, void (*done)(void *arg, const struct error *error),
                 void *arg)
{
    char uuid[UUID_LEN + 1];

    assert(volume->call == NULL);
    volume->error = (struct error){0};
    volume->image = image;
    volume->done = done;
    volume->arg = arg;
    text_uuid(uuid);
    snprintf(volume->container, sizeof volume->container, "codecell-%s", uuid);
    volume_call(volume,
                &(struct call_options){.method = "POST",
                                       .path = "/volumes/create",
                                       .body = json_pack("{s:s, s:{s:s}}", "Name", volume->name, "Labels",
                                                         LABEL_INSTANCE, volume->cells->instance),
                                       .deadline_ms = CELL_CALL_MS,
                                       .metric = "volume"},
                on_volume_created);
}

void volume_cancel(struct volume *volume)
{
    if (volume->call != NULL)
        call_cancel(volume->call);
    volume->call = NULL;
    volume->container[0] = '\0';
}

void volume_remove(struct volume *volume, call_done *done, void *arg)
{
    char path[sizeof volume->name + 40];

    snprintf(path, sizeof path, "/volumes/%s", volume->name);
    volume->call =
        engine_call(volume->cells->engine,
                    &(struct call_options){
                        .method = "DELETE", .path = path, .deadline_ms = CELL_CALL_MS, .metric = "volume_remove"},
                    done, arg);
}
