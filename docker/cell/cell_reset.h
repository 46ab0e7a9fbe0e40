/* Reset: after a job, the agent puts its cell back to the first state and proves it, for another job of the same key.
 */
#ifndef CODECELL_DOCKER_CELL_CELL_RESET_H
#define CODECELL_DOCKER_CELL_CELL_RESET_H

struct cell;
struct frame;

#define CELL_RESET_MS                                                                              \
    5000u /* then the cell fails; to delete a full tmpfs of small files takes tens of milliseconds \
           */

/* After on_done with CELL_DONE, instead of cell_end(). on_ready follows, or on_ending if the reset fails or takes
 * longer than CELL_RESET_MS. The cell keeps the limits of its last job. */
void cell_reset(struct cell *cell);

/* For the other files of docker/cell: the agent's answer to RESET. */
void cell_reset_frame(struct cell *cell, const struct frame *frame);

#endif
