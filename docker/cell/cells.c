#include "docker/cell/cells.h"

#include "base/seam.h"
#include "docker/cell/cell_private.h"
#include "docker/engine/codec_seccomp.h"

#include <stdlib.h>
#include <string.h>

static struct cell *cell_at(struct list *node)
{
    return container_of(node, struct cell, node);
}

void cells_init(struct cells *cells, uv_loop_t *loop, struct engine *engine, const char *instance, const char *volume)
{
    *cells = (struct cells){.loop = loop, .engine = engine, .instance = instance, .volume = volume};
    list_init(&cells->all);
    cell_shares_open(cells);
    seam()->random(&cells->next_uid, sizeof cells->next_uid);
    cells->next_uid %= CELL_UID_COUNT;
}

void cells_close(struct cells *cells, uv_close_cb closed)
{
    cell_shares_close(cells, closed);
}

void cells_forget_seccomp(struct cells *cells)
{
    for (int capsules = 0; capsules < 2; capsules++) {
        free(cells->seccomp[capsules]);
        cells->seccomp[capsules] = NULL;
    }
}

void cells_set_seccomp(struct cells *cells)
{
    if (cells->podman)
        cells_forget_seccomp(cells);
    for (int capsules = 0; capsules < 2 && !cells->podman; capsules++)
        if (cells->seccomp[capsules] == NULL)
            cells->seccomp[capsules] = codec_seccomp(capsules == 1);
}

struct cell *cells_first(const struct cells *cells)
{
    struct list *node = list_first(&cells->all);

    return node != NULL ? cell_at(node) : NULL;
}

struct cell *cells_next(const struct cell *cell)
{
    return cell->node.next != &cell->cells->all ? cell_at(cell->node.next) : NULL;
}

bool cells_know(const struct cells *cells, const char *name)
{
    LIST_EACH (node, &cells->all)
        if (strcmp(cell_at(node)->name, name) == 0)
            return true;
    return false;
}

static bool uid_is_taken(const struct cells *cells, uint32_t uid)
{
    LIST_EACH (node, &cells->all)
        if (cell_at(node)->uid == uid)
            return true;
    return false;
}

/* This ends: there are fewer cells (CELLS_MAX) than user ids. */
uint32_t cells_take_uid(struct cells *cells)
{
    uint32_t uid;

    do {
        uid = CELL_UID_FIRST + cells->next_uid;
        cells->next_uid = (cells->next_uid + 1) % CELL_UID_COUNT;
    } while (uid_is_taken(cells, uid));
    return uid;
}
