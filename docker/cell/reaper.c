#include "docker/cell/reaper.h"

#include "base/log.h"
#include "base/seam.h"
#include "docker/engine/call.h"
#include "docker/engine/codec_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One removal under way. */
struct reaper_removal {
    struct reaper *reaper;
    struct call *call;
    struct list node; /* in reaper->removals */
};

bool reaper_condemns(const struct container_entry *entry, const char *instance, bool known, int64_t now_s)
{
    const char *owner = codec_label(entry, LABEL_INSTANCE);

    if (owner == NULL || known)
        return false;
    if (strcmp(owner, instance) == 0)
        return true;
    bool idle = strcmp(entry->state, "exited") == 0 || strcmp(entry->state, "created") == 0 ||
                strcmp(entry->state, "dead") == 0 || strcmp(entry->state, "stopped") == 0;
    return idle && entry->created_s > 0 && now_s - entry->created_s > REAPER_OLD_S;
}

static void reaper_step(struct reaper *reaper)
{
    if (!reaper->sweeping || reaper->listing != NULL || !list_is_empty(&reaper->removals))
        return;
    reaper->sweeping = false;
    reaper->swept(reaper->arg);
}

static void on_reaped(void *arg, int status, json_t *reply, const struct error *error)
{
    struct reaper_removal *removal = arg;
    struct reaper *reaper = removal->reaper;

    (void)status, (void)reply, (void)error; /* if it failed, the next sweep finds the container again */
    list_remove(&removal->node);
    free(removal);
    reaper_step(reaper);
}

static void reaper_remove(struct reaper *reaper, const char *path)
{
    struct reaper_removal *removal = calloc(1, sizeof *removal);

    if (removal == NULL)
        return;
    removal->reaper = reaper;
    removal->call = engine_call(
        reaper->cells->engine,
        &(struct call_options){.method = "DELETE", .path = path, .deadline_ms = CELL_CALL_MS, .metric = "reap"},
        on_reaped, removal);
    if (removal->call != NULL)
        list_push(&reaper->removals, &removal->node);
    else
        free(removal);
}

struct sweep {
    struct reaper *reaper;
    unsigned condemned;
};

static void on_container_listed(void *arg, const struct container_entry *entry)
{
    struct sweep *sweep = arg;
    struct reaper *reaper = sweep->reaper;
    const char *name = codec_label(entry, LABEL_NAME);
    bool known = name != NULL && (cells_know(reaper->cells, name) || strcmp(reaper->volume->container, name) == 0);
    char path[CODEC_ID_MAX + 40];

    if (sweep->condemned >= REAPER_BATCH ||
        !reaper_condemns(entry, reaper->cells->instance, known, seam_wall_ms() / 1000))
        return;
    sweep->condemned++;
    snprintf(path, sizeof path, "/containers/%s?force=1&v=1", entry->id);
    reaper_remove(reaper, path);
}

/* Removes this instance's volumes that hold another version of the agent. */
static void on_volumes(void *arg, int status, json_t *reply, const struct error *error)
{
    struct reaper *reaper = arg;
    size_t i;
    json_t *volume;

    (void)error;
    reaper->volumes = NULL;
    if (status != 200)
        return;
    json_array_foreach (json_object_get(reply, "Volumes"), i, volume) {
        const char *name = json_string_value(json_object_get(volume, "Name"));
        char path[160];

        if (name == NULL || strncmp(name, "codecell-agent-", 15) != 0 || strlen(name) > 100 ||
            strcmp(name, reaper->volume->name) == 0)
            continue;
        snprintf(path, sizeof path, "/volumes/%s", name);
        reaper_remove(reaper, path);
    }
}

static void reaper_list_volumes(struct reaper *reaper)
{
    char path[256];

    /* {"label":["io.codecell.instance=ID"]}, escaped */
    snprintf(path, sizeof path, "/volumes?filters=%%7B%%22label%%22%%3A%%5B%%22" LABEL_INSTANCE "%%3D%s%%22%%5D%%7D",
             reaper->cells->instance);
    reaper->volumes = engine_call(
        reaper->cells->engine,
        &(struct call_options){.method = "GET", .path = path, .deadline_ms = CELL_CALL_MS, .metric = "volumes"},
        on_volumes, reaper);
}

static void on_containers(void *arg, int status, json_t *reply, const struct error *error)
{
    struct reaper *reaper = arg;
    struct sweep sweep = {.reaper = reaper};

    reaper->listing = NULL;
    if (status == 200)
        codec_containers(reply, on_container_listed, &sweep);
    else
        log_event(LOG_WARN, "reaper.failed", LOG_STR("reason", error->text));
    if (sweep.condemned > 0)
        log_event(LOG_INFO, "reaper.swept", LOG_INT("containers", sweep.condemned));
    if (reaper->volumes == NULL)
        reaper_list_volumes(reaper);
    reaper_step(reaper);
}

void reaper_init(struct reaper *reaper, struct cells *cells, const struct volume *volume, void (*swept)(void *arg),
                 void *arg)
{
    *reaper = (struct reaper){.cells = cells, .volume = volume, .swept = swept, .arg = arg};
    list_init(&reaper->removals);
    uv_timer_init(cells->loop, &reaper->timer);
    reaper->timer.data = reaper;
}

static void reaper_begin(struct reaper *reaper)
{
    if (reaper->sweeping)
        return;
    /* {"label":["io.codecell.instance"]}, escaped */
    reaper->listing =
        engine_call(reaper->cells->engine,
                    &(struct call_options){
                        .method = "GET",
                        .path = "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22" LABEL_INSTANCE "%22%5D%7D",
                        .deadline_ms = CELL_CALL_MS,
                        .metric = "list"},
                    on_containers, reaper);
    reaper->sweeping = reaper->listing != NULL;
}

static void on_reaper_timer(uv_timer_t *timer)
{
    reaper_begin(timer->data);
}

void reaper_sweep(struct reaper *reaper)
{
    uv_timer_start(&reaper->timer, on_reaper_timer, REAPER_SOON_MS, REAPER_PERIOD_MS);
    reaper_begin(reaper);
}

void reaper_stop(struct reaper *reaper)
{
    uv_timer_stop(&reaper->timer);
    if (reaper->listing != NULL)
        call_cancel(reaper->listing);
    if (reaper->volumes != NULL)
        call_cancel(reaper->volumes);
    reaper->listing = reaper->volumes = NULL;
    reaper->sweeping = false;
    LIST_EACH (node, &reaper->removals) {
        struct reaper_removal *removal = container_of(node, struct reaper_removal, node);
        call_cancel(removal->call);
        list_remove(node);
        free(removal);
    }
}

void reaper_close(struct reaper *reaper, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&reaper->timer, closed);
}
