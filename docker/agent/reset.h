/* FRAME_RESET: puts the cell back into its first state, and proves it. docs/security.md lists what this covers, and
 * what the next job can still see of the last one. */
#ifndef CODECELL_AGENT_RESET_H
#define CODECELL_AGENT_RESET_H

#include <stdbool.h>

#define RESET_MS 4000u /* the agent's deadline, below the server's CELL_RESET_MS */

/* Records the first state. To be called once, after the other parts of the agent are open, before the first program. */
void reset_open(void);

/* True: nothing of a job is left, and *folder is the descriptor of the new working folder. False: the cell must end.
 * *error: the errno of the step that failed, or 0 if something is left. */
bool reset(int *folder, int *error);

#endif
