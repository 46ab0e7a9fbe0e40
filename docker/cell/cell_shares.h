/* A cell's share of the processors while they are short: the same for every cell, until its program has run for long.
 */
#ifndef CODECELL_DOCKER_CELL_CELL_SHARES_H
#define CODECELL_DOCKER_CELL_CELL_SHARES_H

struct cell;

/* Weights (cgroup v1's cpu.shares, which the engine converts for v2): Docker's default, and the weight of a cell whose
 * program has run for long. An eighth is enough for the agent, which shares it. */
#define CELL_SHARES 1024u
#define CELL_SHARES_LONG 128u

/* While its job runs: from now on the cell gives way to others if there are not processors enough for all. Does nothing
 * on Podman, whose updates change nothing. */
void cell_yield(struct cell *cell);

/* For the other files of docker/cell: the cell is used again, so it gets the first share back; it ends, so a call about
 * its share is cancelled. */
void cell_shares_restore(struct cell *cell);
void cell_shares_forget(struct cell *cell);

#endif
