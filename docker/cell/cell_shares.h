/* A cell's share of the processors while they are short: the same for every cell, until its program has run for long.
 *
 * The engine is told of one cell after another, with rests, because each call takes a processor for 20 to 30 ms. When a
 * key's eight programs began or ended together, eight calls at once held up another key's program for 100 ms. */
#ifndef CODECELL_DOCKER_CELL_CELL_SHARES_H
#define CODECELL_DOCKER_CELL_CELL_SHARES_H

#include "base/list.h"

#include <stdbool.h>
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

/* A cell that should give way is told before one that has waited for its share for less than this. */
#define CELL_SHARES_AHEAD_NS UINT64_C(500000000)

/* After a call the line rests for so many times the call's length, but no longer than CELL_SHARES_REST_MAX_NS. A call
 * that was cancelled counts as long as a usual one: the engine may still carry it out. */
#define CELL_SHARES_REST 4u
#define CELL_SHARES_CALL_NS UINT64_C(25000000)
#define CELL_SHARES_REST_MAX_NS UINT64_C(200000000)
#define CELL_SHARES_CALL_MS 5000u /* a call's deadline: the others wait for it */

/* The cells whose share the engine should be told. A part of struct cells. */
struct cell_shares_line {
    struct list waiting;  /* struct cell's shares_node */
    struct cell *telling; /* NULL: none */
    bool before;          /* its `yielded`, until the engine has answered */
    uint64_t began_ns;    /* when telling began */
    uint64_t rest_ns;     /* the next call begins no earlier */
    uv_timer_t timer;
};

void cell_shares_open(struct cells *cells);
void cell_shares_close(struct cells *cells, uv_close_cb closed); /* without cells; the timer's data is the cells */

/* While its job runs: from now on the cell gives way to others if there are not processors enough for all. Does nothing
 * on Podman, whose updates change nothing. */
void cell_yield(struct cell *cell);

/* The cell's next program may be another key's: the first share comes back now, and not after a while. */
void cell_shares_hurry(struct cell *cell);

/* For the other files of docker/cell: the cell is used again, so it gets the first share back after a while; it ends,
 * so its share does not matter any more. */
void cell_shares_restore(struct cell *cell);
void cell_shares_forget(struct cell *cell);

#endif
