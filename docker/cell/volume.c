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

/* FNV-1a, 64 bits: tells versions of the agent apart, nothing more. */
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

static void call(struct volume *volume, const struct call_options *options, call_done *next)
{
    volume->call = engine_call(volume->cells->engine, options, next, volume);
}

static bool failed(struct volume *volume, const char *what, int status, const struct error *error)
{
    volume->call = NULL;
    if (status >= 200 && status < 300)
        return false;
    error_set(&volume->error, status == 0 ? ERROR_UNAVAILABLE : ERROR_INTERNAL, "%s: %s", what, error->text);
    return true;
}

static void finish(struct volume *volume)
{
    volume->call = NULL;
    volume->container[0] = '\0'; /* one that stayed is the reaper's */
    volume->filled = volume->error.code == ERROR_NONE;
    volume->done(volume->arg, volume->filled ? NULL : &volume->error);
}

static void on_removed(void *arg, int status, json_t *reply, const struct error *error)
{
    struct volume *volume = arg;

    (void)status, (void)reply, (void)error; /* a container that stays is the reaper's */
    volume->call = NULL;
    finish(volume);
}

static void remove_container(struct volume *volume)
{
    char path[CELL_NAME_MAX + 40];

    snprintf(path, sizeof path, "/containers/%s?force=1", volume->container);
    call(volume,
         &(struct call_options){.method = "DELETE", .path = path, .deadline_ms = CELL_CALL_MS, .metric = "remove"},
         on_removed);
}

/* Takes the archive and extracts it at `place` of the container. `made` is not 0: it could not be made. */
static void put(struct volume *volume, int made, struct buf *tar, const char *place, call_done *next)
{
    char path[CELL_NAME_MAX + 80];

    if (made != 0) {
        error_set(&volume->error, ERROR_INTERNAL, "out of memory");
        remove_container(volume);
    } else {
        snprintf(path, sizeof path, "/containers/%s/archive?path=%s", volume->container, place);
        call(volume,
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

static void on_folder(void *arg, int status, json_t *reply, const struct error *error)
{
    struct volume *volume = arg;

    (void)reply;
    failed(volume, "close the agent's folder", status, error);
    remove_container(volume);
}

/* Docker passes over an archive's own root, but takes a mounted folder by its name. Podman extracts to the mounted
 * folder alone, and takes its root. */
static void put_folder(struct volume *volume)
{
    bool podman = volume->cells->podman;
    struct buf tar;

    buf_init(&tar, ARCHIVE_MAX);
    int made = codec_tar_folder(&tar, podman ? "./" : &CELL_AGENT_FOLDER[1], 0711);
    put(volume, made, &tar, podman ? CELL_AGENT_FOLDER : "/", on_folder);
}

static void on_put(void *arg, int status, json_t *reply, const struct error *error)
{
    struct volume *volume = arg;

    (void)reply;
    if (failed(volume, "put the agent into its volume", status, error))
        remove_container(volume);
    else
        put_folder(volume);
}

/* The file and its folder are the same for all cells. A program that could open them could lock them, and other cells'
 * programs would see the lock; and it could watch how other cells start. So the file can only be executed, and the
 * folder only be passed through. */
static void put_agent(struct volume *volume)
{
    struct buf tar;

    buf_init(&tar, ARCHIVE_MAX);
    int made = codec_tar_file(&tar, "agent", volume->agent, volume->agent_len, 0111);
    put(volume, made, &tar, CELL_AGENT_FOLDER, on_put);
}

static void on_container(void *arg, int status, json_t *reply, const struct error *error)
{
    struct volume *volume = arg;

    (void)reply;
    if (failed(volume, "create the agent's container", status, error))
        finish(volume);
    else
        put_agent(volume);
}

static json_t *container_body(const struct volume *volume)
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

static void on_volume(void *arg, int status, json_t *reply, const struct error *error)
{
    struct volume *volume = arg;
    char path[CELL_NAME_MAX + 40];

    (void)reply;
    if (failed(volume, "create the agent's volume", status, error)) {
        finish(volume);
        return;
    }
    snprintf(path, sizeof path, "/containers/create?name=%s", volume->container);
    call(volume,
         &(struct call_options){.method = "POST",
                                .path = path,
                                .body = container_body(volume),
                                .deadline_ms = CELL_CALL_MS,
                                .metric = "create"},
         on_container);
}

void volume_fill(struct volume *volume, const char *image, void (*done)(void *arg, const struct error *error),
                 void *arg)
{
    char uuid[UUID_LEN + 1];

    assert(volume->call == NULL);
    volume->filled = false;
    volume->error = (struct error){0};
    volume->image = image;
    volume->done = done;
    volume->arg = arg;
    text_uuid(uuid);
    snprintf(volume->container, sizeof volume->container, "codecell-%s", uuid);
    call(volume,
         &(struct call_options){.method = "POST",
                                .path = "/volumes/create",
                                .body = json_pack("{s:s, s:{s:s}}", "Name", volume->name, "Labels", LABEL_INSTANCE,
                                                  volume->cells->instance),
                                .deadline_ms = CELL_CALL_MS,
                                .metric = "volume"},
         on_volume);
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
