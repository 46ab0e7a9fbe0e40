/* A cell's part of the processors when there is not enough for all: as large as any other cell's, until its program has
 * run for long. Then it is a smaller one, so that a short program is not held up by programs that burn. The engine is
 * told beside all else: if it fails, nothing but the part is different. */
#include "docker/cell/cell_shares.h"

#include "docker/cell/cell_private.h"
#include "docker/engine/codec.h"

#include <stdio.h>

static void on_told(void *arg, int status, json_t *reply, const struct error *error)
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

static void tell(struct cell *cell, unsigned shares)
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
                                    on_told, cell);
}

void cell_yield(struct cell *cell)
{
    if (cell->yields || cell->state != CELL_RUNNING || cell->cells->podman)
        return;
    cell->yields = true;
    tell(cell, CELL_SHARES_LONG);
}

void cell_shares_restore(struct cell *cell)
{
    if (cell->yields)
        tell(cell, CELL_SHARES);
    cell->yields = false;
}
