#include "docker/cell/cell_update.h"

#include "docker/cell/cell_job.h"
#include "docker/cell/cell_private.h"
#include "docker/engine/codec.h"

#include <assert.h>
#include <stdio.h>

static struct call *call_update(struct cell *cell, call_done *done)
{
    const struct cell_limits *limits = &cell->limits;
    char path[CELL_CONTAINER_ID_MAX + 40];

    cell->stale = false;
    cell_update_forget(cell);
    snprintf(path, sizeof path, "/containers/%s/update", cell->id);
    json_t *body = codec_update(cell_memory_bytes(cell->kind, limits), (int64_t)limits->milli_cpus * 1000000,
                                (int64_t)cell_pids(cell));
    return engine_call(
        cell->cells->engine,
        &(struct call_options){
            .method = "POST", .path = path, .body = body, .deadline_ms = CELL_CALL_MS, .metric = "update"},
        done, cell);
}

static void on_cell_updated(void *arg, int status, json_t *reply, const struct error *error)
{
    struct cell *cell = arg;

    (void)reply;
    cell->call = NULL;
    if (status >= 200 && status < 300)
        cell_job_start(cell);
    else
        cell_fail(cell, ERROR_INTERNAL, "update: %s", error->text);
}

void cell_update(struct cell *cell)
{
    cell_set_state(cell, CELL_UPDATING);
    if (cell->call != NULL)
        call_cancel(cell->call);
    cell->call = call_update(cell, on_cell_updated);
}

static void on_updated_beside(void *arg, int status, json_t *reply, const struct error *error)
{
    struct cell *cell = arg;

    (void)reply;
    cell->update_call = NULL;
    if (status < 200 || status >= 300)
        cell_fail(cell, ERROR_INTERNAL, "update: %s", error->text);
    else if (cell->state == CELL_UPDATING)
        cell_job_start(cell);
}

void cell_update_beside(struct cell *cell)
{
    cell->update_call = call_update(cell, on_updated_beside);
}

bool cell_update_is_beside(const struct cell *cell)
{
    return cell->update_call != NULL;
}

void cell_update_await(struct cell *cell)
{
    assert(cell->update_call != NULL);
    cell_set_state(cell, CELL_UPDATING);
}

void cell_update_forget(struct cell *cell)
{
    if (cell->update_call != NULL)
        call_cancel(cell->update_call);
    cell->update_call = NULL;
}
