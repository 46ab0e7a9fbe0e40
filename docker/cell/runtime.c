#include "docker/cell/runtime.h"

#include "base/log.h"
#include "docker/engine/call.h"
#include "docker/engine/codec_read.h"
#include "docker/engine/engine.h"

#include <assert.h>
#include <string.h>

static bool runtime_is_auto(const struct runtime_trial *trial)
{
    return trial->setting != NULL && strcmp(trial->setting, RUNTIME_AUTO) == 0;
}

/* `runtime` NULL: the engine's default. */
static void runtime_choose(struct runtime_trial *trial, const char *runtime, const char *reason)
{
    trial->cells->runtime = runtime;
    log_event(LOG_INFO, "runtime.chosen", LOG_STR("name", runtime != NULL ? runtime : "default"),
              LOG_STR("reason", reason));
    trial->done(trial->arg);
}

static void on_trial_ready(void *arg, struct cell *cell)
{
    struct runtime_trial *trial = arg;

    trial->cell = NULL; /* how it ends does not matter any more */
    cell_end(cell);
    runtime_choose(trial, RUNTIME_FASTER, "a trial container ran with it");
}

static void on_trial_ending(void *arg, struct cell *cell, const struct error *error)
{
    struct runtime_trial *trial = arg;

    if (cell != trial->cell)
        return;
    trial->cell = NULL;
    /* Without an error it was ended on purpose. While the engine is down, a failure proves nothing. */
    if (error->code != ERROR_NONE && engine_is_up(trial->cells->engine))
        runtime_choose(trial, NULL, error->text);
}

static void on_trial_gone(void *arg, struct cell *cell)
{
    struct runtime_trial *trial = arg;

    (void)cell;
    if (trial->gone != NULL)
        trial->gone(trial->arg);
}

void runtime_init(struct runtime_trial *trial, struct cells *cells, const char *setting, void (*done)(void *arg),
                  void *arg)
{
    *trial = (struct runtime_trial){.cells = cells, .setting = setting, .done = done, .arg = arg};
    trial->owner = (struct cell_owner){
        .on_ready = on_trial_ready, .on_ending = on_trial_ending, .on_gone = on_trial_gone, .arg = trial};
    cells->runtime = setting != NULL && setting[0] != '\0' && !runtime_is_auto(trial) ? setting : NULL;
}

/* cell_make() writes the body of the create call, which names the runtime, before it returns. */
static void runtime_try_faster(struct runtime_trial *trial)
{
    struct cells *cells = trial->cells;

    cells->runtime = RUNTIME_FASTER;
    trial->cell = cell_make(cells, trial->kind, &trial->kind->limits, &trial->owner);
    cells->runtime = NULL;
    if (trial->cell == NULL) {
        runtime_choose(trial, NULL, "no cell could be made to try " RUNTIME_FASTER);
        return;
    }
    cell_place(trial->cell)->role = PLACE_TAKEN; /* so that the pool does not end it */
    cell_hurry(trial->cell, RUNTIME_TRIAL_MS);
}

static void on_runtime_info(void *arg, int status, json_t *reply, const struct error *error)
{
    struct runtime_trial *trial = arg;
    struct engine_info info;

    trial->call = NULL;
    if (status == 0 && !engine_is_up(trial->cells->engine))
        return;
    if (status != 200)
        runtime_choose(trial, NULL, error->text);
    else if (codec_info(reply, &info) != 0 || json_object_get(info.runtimes, RUNTIME_FASTER) == NULL)
        runtime_choose(trial, NULL, "the engine has no " RUNTIME_FASTER);
    else if (strcmp(info.default_runtime, RUNTIME_FASTER) == 0)
        runtime_choose(trial, NULL, RUNTIME_FASTER " is the engine's default");
    else
        runtime_try_faster(trial);
}

void runtime_decide(struct runtime_trial *trial, const struct cell_kind *kind)
{
    assert(trial->call == NULL && trial->cell == NULL);
    if (!runtime_is_auto(trial)) {
        trial->done(trial->arg);
        return;
    }
    trial->cells->runtime = NULL;
    trial->kind = kind;
    trial->call = engine_call(
        trial->cells->engine,
        &(struct call_options){.method = "GET", .path = "/info", .deadline_ms = RUNTIME_TRIAL_MS, .metric = "info"},
        on_runtime_info, trial);
    if (trial->call == NULL)
        runtime_choose(trial, NULL, "out of memory");
}

void runtime_cancel(struct runtime_trial *trial)
{
    struct cell *cell = trial->cell;

    if (trial->call != NULL)
        call_cancel(trial->call);
    trial->call = NULL;
    trial->cell = NULL;
    if (cell != NULL)
        cell_end(cell);
}
