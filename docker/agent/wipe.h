/* Empties a folder, whatever lies in it: for a place that nobody else uses any more. */
#ifndef CODECELL_AGENT_WIPE_H
#define CODECELL_AGENT_WIPE_H

#include <stdint.h>

/* Deletes everything below `folder`, a descriptor that was opened for reading, and has then seen it empty. No
 * link is followed, the folder itself stays. 0, or -1 with errno: ETIME where system_clock() has passed `deadline`. */
int wipe(int folder, uint64_t deadline);

#endif
