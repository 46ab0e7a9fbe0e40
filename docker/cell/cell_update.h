/* Telling the engine a cell's limits, before a job or beside it. */
#ifndef CODECELL_DOCKER_CELL_CELL_UPDATE_H
#define CODECELL_DOCKER_CELL_CELL_UPDATE_H

#include <stdbool.h>

struct cell;

/* In state updating from now on. cell_job_start() follows when the engine has done it, or the cell fails. */
void cell_update(struct cell *cell);

/* The same beside a job that runs, for which the limits so far are enough. */
void cell_update_beside(struct cell *cell);

/* Whether the engine is still at it beside. Then cell_update_await() is for the next job what cell_update() is. */
bool cell_update_is_beside(const struct cell *cell);
void cell_update_await(struct cell *cell);

void cell_update_forget(struct cell *cell); /* nothing of it is waited for any more */

#endif
