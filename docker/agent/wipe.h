/* Empties a folder that no other process uses any more, whatever it contains. */
#ifndef CODECELL_AGENT_WIPE_H
#define CODECELL_AGENT_WIPE_H

#include <stdint.h>

/* Deletes everything below `folder`, a descriptor opened for reading, until it reads as empty. It follows no link, and
 * leaves the folder itself. 0, or -1 with errno; ETIME: system_clock() has passed `deadline`. */
int wipe(int folder, uint64_t deadline);

#endif
