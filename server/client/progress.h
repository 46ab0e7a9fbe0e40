/* How far a transfer is, in a line on standard error that is written over and at last removed. A transfer that is done
 * within a second shows nothing. */
#ifndef CODECELL_CLIENT_PROGRESS_H
#define CODECELL_CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    uint64_t began, shown; /* milliseconds; `shown` 0: not yet */
};

#define PROGRESS_QUIET_MS 1000 /* before it shows anything */
#define PROGRESS_STEP_MS 200   /* from one line to the next */

/* Whether a line is due at `now`, which is never 0; the caller then writes it. Pure. */
bool progress_is_due(struct progress *progress, uint64_t now);

/* "12.3 MB of 50.0 MB (24 %), 4.1 MB/s". `total`: 0 if it is not known. Pure. */
void progress_text(char *out, size_t room, uint64_t done, uint64_t total, uint64_t ms);

/* Writes the line if it is due, and removes it at the end. */
void progress_show(struct progress *progress, uint64_t done, uint64_t total);
void progress_end(struct progress *progress);

#endif
