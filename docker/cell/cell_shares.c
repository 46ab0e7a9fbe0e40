/* A cell's share of the processors while they are short. It is as large as any other cell's until its program has run
 * for long; then it is smaller, so that programs that compute for long do not hold up short ones. The calls to the
 * engine go on beside everything else: if one fails, only the share is different. */
#include "docker/cell/cell_shares.h"

#include "base/seam.h"
#include "docker/cell/cell_private.h"
#include "docker/engine/codec.h"

#include <stdio.h>

#define MS_NS UINT64_C(1000000)

static void next_shares(struct cells *cells);

static struct cell *waiting_at(struct list *node)
{
    return container_of(node, struct cell, shares_node);
}

static void on_shares_turn(uv_timer_t *timer)
{
    next_shares(timer->data);
}

void cell_shares_open(struct cells *cells)
{
    list_init(&cells->shares.waiting);
    uv_timer_init(cells->loop, &cells->shares.timer);
    cells->shares.timer.data = cells;
}

void cell_shares_close(struct cells *cells, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&cells->shares.timer, closed);
}

/* The engine has answered, or its answer is not waited for any more. */
static void shares_told(struct cells *cells)
{
    struct cell_shares_line *line = &cells->shares;
    uint64_t now = seam()->monotonic_ns(), took = now - line->began_ns;
    uint64_t rest = CELL_SHARES_REST * (took > CELL_SHARES_CALL_NS ? took : CELL_SHARES_CALL_NS);

    line->telling = NULL;
    line->rest_ns = now + (rest < CELL_SHARES_REST_MAX_NS ? rest : CELL_SHARES_REST_MAX_NS);
    next_shares(cells);
}

/* A call that failed has changed nothing. The engine is told with the next change. */
static void on_shares_told(void *arg, int status, json_t *reply, const struct error *error)
{
    struct cell *cell = arg;

    (void)reply, (void)error;
    cell->shares_call = NULL;
    if (status < 200 || status >= 300)
        cell->yielded = cell->cells->shares.before;
    shares_told(cell->cells);
}

static void tell_shares(struct cell *cell, uint64_t now)
{
    char path[CELL_CONTAINER_ID_MAX + 40];

    list_remove(&cell->shares_node);
    cell->cells->shares.before = cell->yielded;
    cell->yielded = cell->yields;
    cell->cells->shares.telling = cell;
    cell->cells->shares.began_ns = now;
    snprintf(path, sizeof path, "/containers/%s/update", cell->id);
    cell->shares_call =
        engine_call(cell->cells->engine,
                    &(struct call_options){.method = "POST",
                                           .path = path,
                                           .body = codec_update_shares(cell->yields ? CELL_SHARES_LONG : CELL_SHARES),
                                           .deadline_ms = CELL_SHARES_CALL_MS,
                                           .metric = "update"},
                    on_shares_told, cell);
    if (cell->shares_call == NULL) /* out of memory */
        on_shares_told(cell, 0, NULL, NULL);
}

static uint64_t place_in_line(const struct cell *cell)
{
    return cell->shares_due_ns + (cell->yields ? 0 : CELL_SHARES_AHEAD_NS);
}

static struct cell *first_due(const struct cell_shares_line *line)
{
    struct cell *first = NULL;

    LIST_EACH (node, &line->waiting)
        if (first == NULL || place_in_line(waiting_at(node)) < place_in_line(first))
            first = waiting_at(node);
    return first;
}

/* Tells the engine the share of the cell that is due first, or waits until that may be. */
static void next_shares(struct cells *cells)
{
    struct cell_shares_line *line = &cells->shares;
    struct cell *first = line->telling == NULL ? first_due(line) : NULL;
    uint64_t now = seam()->monotonic_ns();

    uv_timer_stop(&line->timer);
    if (first == NULL)
        return;
    uint64_t when = first->shares_due_ns > line->rest_ns ? first->shares_due_ns : line->rest_ns;
    if (when > now)
        uv_timer_start(&line->timer, on_shares_turn, (when - now) / MS_NS + 1, 0);
    else
        tell_shares(first, now);
}

/* What the engine knows already need not be told. */
static void set_yields(struct cell *cell, bool yields, uint64_t due_ns)
{
    cell->yields = yields;
    cell->shares_due_ns = due_ns;
    list_forget(&cell->shares_node);
    if (cell->yields != cell->yielded)
        list_push(&cell->cells->shares.waiting, &cell->shares_node);
    next_shares(cell->cells);
}

void cell_yield(struct cell *cell)
{
    if (!cell->yields && cell->state == CELL_RUNNING && !cell->cells->podman)
        set_yields(cell, true, seam()->monotonic_ns());
}

/* A cell that waits for its share already keeps its place. */
void cell_shares_restore(struct cell *cell)
{
    if (cell->yields || (cell->yielded && !list_has(&cell->shares_node)))
        set_yields(cell, false, seam()->monotonic_ns() + CELL_SHARES_LATER_NS);
}

void cell_shares_hurry(struct cell *cell)
{
    if (list_has(&cell->shares_node))
        set_yields(cell, cell->yields, seam()->monotonic_ns());
}

void cell_shares_forget(struct cell *cell)
{
    list_forget(&cell->shares_node);
    if (cell->cells->shares.telling != cell)
        return;
    call_cancel(cell->shares_call);
    cell->shares_call = NULL;
    shares_told(cell->cells);
}
