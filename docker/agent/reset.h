/* Puts the cell back to its first state, and proves it: FRAME_RESET. docs/security.md lists what it covers, and what
 * of a job can still be seen after it. */
#ifndef CODECELL_AGENT_RESET_H
#define CODECELL_AGENT_RESET_H

#include <stdbool.h>

#define RESET_MS 4000u /* the agent's own patience, below CELL_RESET_MS */

/* Looks at what the first state is: once, when all else of the agent is set up and before any program was. */
void reset_open(void);

/* True: nothing of a job is left, and `folder` is the working folder's new descriptor. False: the cell must end;
 * `error` is the errno of what was refused, or 0 where it was found that something is left. */
bool reset(int *folder, int *error);

#endif
