/* Reset: the capsule of a cell ends, and the keeper makes the next one in the same container. */
#ifndef CODECELL_DOCKER_CELL_CELL_RESET_H
#define CODECELL_DOCKER_CELL_CELL_RESET_H

struct cell;

#define CELL_RESET_MS 5000u /* then the cell fails; it usually takes a few milliseconds */

/* Only for a cell with capsules: after on_done with CELL_DONE, instead of cell_end(), or in state ready. on_ready
 * follows, or on_ending if it fails or takes longer than CELL_RESET_MS. The cell keeps the limits of its last job. */
void cell_reset(struct cell *cell);

#endif
