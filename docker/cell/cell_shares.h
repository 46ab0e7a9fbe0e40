/* A cell's share of the processors while they are short: the same for every cell, until its program has run for long.
 *
 * The engine is told of one cell after another, with rests, because each call takes a processor for 20 to 30 ms. When a
 * key's eight programs began or ended together, eight calls at once held up another key's program for 100 ms. */
#ifndef CODECELL_DOCKER_CELL_CELL_SHARES_H
#define CODECELL_DOCKER_CELL_CELL_SHARES_H

#include "base/list.h"

#include <stdint.h>
#include <uv.h>

struct cell;
struct cells;

/* Weights (cgroup v1's cpu.shares, which the engine converts for v2): Docker's default, and the weight of a cell whose
 * program has run for long. An eighth is enough for the agent, which shares it. */
#define CELL_SHARES 1024u
#define CELL_SHARES_LONG 128u

/* After a long program its cell keeps the smaller share for this long. If the next program is a long one, too, the
 * engine need not be told at all. */
#define CELL_SHARES_LATER_NS UINT64_C(1000000000)

/* After a call the next one comes so many times later as the call took. */
#define CELL_SHARES_REST 4u

/* The cells whose share the engine should be told. A part of struct cells. */
struct cell_shares_line {
    struct list waiting; /* struct cell's shares_node */
    struct cell *telling;
    uint64_t began_ns; /* when telling began */
    uint64_t rest_ns;  /* the next call begins no earlier */
    uv_timer_t timer;
};

void cell_shares_open(struct cells *cells);
void cell_shares_close(struct cells *cells, uv_close_cb closed); /* without cells; the timer's data is the cells */

/* While its job runs: from now on the cell gives way to others if there are not processors enough for all. Does nothing
 * on Podman, whose updates change nothing. */
void cell_yield(struct cell *cell);

/* For the other files of docker/cell: the cell is used again, so it gets the first share back after a while; it ends,
 * so its share does not matter any more. */
void cell_shares_restore(struct cell *cell);
void cell_shares_forget(struct cell *cell);

#endif
