#include "docker/cell/isolation.h"

#include "base/log.h"
#include "base/text.h"
#include "docker/cell/cell_reset.h"
#include "docker/engine/engine.h"

#include <assert.h>

static void isolation_choose(struct isolation_trial *trial, bool capsules, const char *reason)
{
    trial->cells->capsules = capsules;
    trial->chosen = true;
    text_copy(trial->reason, sizeof trial->reason, reason);
    log_event(trial->asked == capsules ? LOG_INFO : LOG_WARN, "isolation.chosen",
              LOG_STR("name", capsules ? "capsule" : "container"), LOG_STR("reason", reason));
    trial->done(trial->arg);
}

/* One capsule proves that the host can make them, and a second one that it can take them down. */
static void on_isolation_ready(void *arg, struct cell *cell)
{
    struct isolation_trial *trial = arg;

    if (cell != trial->cell)
        return;
    if (!trial->was_reset) {
        trial->was_reset = true;
        cell_reset(cell);
        return;
    }
    trial->cell = NULL; /* how it ends does not matter any more */
    cell_end(cell);
    isolation_choose(trial, true, "a trial container made two capsules");
}

static void on_isolation_ending(void *arg, struct cell *cell, const struct error *error)
{
    struct isolation_trial *trial = arg;

    if (cell != trial->cell)
        return;
    trial->cell = NULL;
    /* Without an error it was ended on purpose. While the engine is down, a failure proves nothing. */
    if (error->code != ERROR_NONE && engine_is_up(trial->cells->engine))
        isolation_choose(trial, false, error->text);
}

static void on_isolation_gone(void *arg, struct cell *cell)
{
    struct isolation_trial *trial = arg;

    (void)cell;
    if (trial->gone != NULL)
        trial->gone(trial->arg);
}

void isolation_init(struct isolation_trial *trial, struct cells *cells, bool capsules, void (*done)(void *arg),
                    void *arg)
{
    *trial = (struct isolation_trial){.cells = cells, .asked = capsules, .done = done, .arg = arg};
    trial->owner = (struct cell_owner){
        .on_ready = on_isolation_ready, .on_ending = on_isolation_ending, .on_gone = on_isolation_gone, .arg = trial};
}

static void try_capsules(struct isolation_trial *trial, const struct cell_kind *kind)
{
    trial->cells->capsules = true;
    trial->was_reset = false;
    trial->cell = cell_make(trial->cells, kind, &kind->limits, &trial->owner);
    if (trial->cell == NULL) {
        isolation_choose(trial, false, "no cell could be made to try capsules");
        return;
    }
    cell_place(trial->cell)->role = PLACE_TAKEN; /* so that the pool does not end it */
    cell_hurry(trial->cell, ISOLATION_TRIAL_MS);
}

void isolation_decide(struct isolation_trial *trial, const struct cell_kind *kind)
{
    assert(trial->cell == NULL);
    if (!trial->asked)
        isolation_choose(trial, false, "CODECELL_ISOLATION asks for it");
    else
        try_capsules(trial, kind);
}

void isolation_cancel(struct isolation_trial *trial)
{
    struct cell *cell = trial->cell;

    trial->chosen = false;
    trial->cell = NULL;
    if (cell != NULL)
        cell_end(cell);
    trial->cells->capsules = false;
}
