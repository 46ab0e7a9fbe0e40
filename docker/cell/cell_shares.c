/* A cell's share of the processors while they are short. It is as large as any other cell's until its program has run
 * for long; then it is smaller, so that programs that compute for long do not hold up short ones. The call to the
 * engine goes on beside everything else: if it fails, only the share is different. */
#include "docker/cell/cell_shares.h"

#include "docker/cell/cell_private.h"
#include "docker/engine/codec.h"

#include <stdio.h>

static void on_shares_told(void *arg, int status, json_t *reply, const struct error *error)
{
    struct cell *cell = arg;

    (void)status, (void)reply, (void)error;
    cell->shares_call = NULL;
}

void cell_shares_forget(struct cell *cell)
{
    if (cell->shares_call != NULL)
        call_cancel(cell->shares_call);
    cell->shares_call = NULL;
}

static void cell_shares_tell(struct cell *cell, unsigned shares)
{
    char path[CELL_CONTAINER_ID_MAX + 40];

    cell_shares_forget(cell);
    snprintf(path, sizeof path, "/containers/%s/update", cell->id);
    cell->shares_call = engine_call(cell->cells->engine,
                                    &(struct call_options){.method = "POST",
                                                           .path = path,
                                                           .body = codec_update_shares(shares),
                                                           .deadline_ms = CELL_CALL_MS,
                                                           .metric = "update"},
                                    on_shares_told, cell);
}

void cell_yield(struct cell *cell)
{
    if (cell->yields || cell->state != CELL_RUNNING || cell->cells->podman)
        return;
    cell->yields = true;
    cell_shares_tell(cell, CELL_SHARES_LONG);
}

void cell_shares_restore(struct cell *cell)
{
    if (cell->yields)
        cell_shares_tell(cell, CELL_SHARES);
    cell->yields = false;
}
