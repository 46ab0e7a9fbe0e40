/* Ending a job early without its container: SIGKILL for the program, and what follows is the job's usual end. To remove
 * a container and make another takes the processors 100 ms; this takes a few. */
#ifndef CODECELL_DOCKER_CELL_CELL_STOP_H
#define CODECELL_DOCKER_CELL_CELL_STOP_H

#include "docker/cell/cell_job.h"

/* The signal is sent a few times, because the agent drops one that comes before the run step. Then the cell counts as
 * unresponsive. */
#define CELL_STOP_TRIES 16u
#define CELL_STOP_EVERY_MS 50u

/* Once, from the loop. The caller ends the cell; after CELL_DONE it may give it back. `flags`: those of the step's end,
 * which tell the limits that the program ran into. */
typedef void cell_stopped(void *arg, struct cell *cell, enum cell_outcome outcome, uint32_t flags);

/* Ends the program of the cell's job. The job's taker hears nothing after this, and need not keep the job's parts.
 * False if that needs more than the signal: the job or its input has not been sent whole, or the cell is held. Then
 * nothing has happened. */
bool cell_stop(struct cell *cell, cell_stopped *stopped, void *arg);

#endif
