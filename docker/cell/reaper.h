/* The reaper removes what servers left in the engine:
 * - containers of this instance that none of our cells knows;
 * - containers of any instance that have not run for REAPER_OLD_S (they ended, or were never started);
 * - volumes of this instance that hold another version of the agent.
 * It leaves the running cells of other servers alone. It sweeps when the engine comes up, then after REAPER_SOON_MS
 * (because a container that a killed server had asked for may appear after our first look), then every
 * REAPER_PERIOD_MS. */
#ifndef CODECELL_DOCKER_CELL_REAPER_H
#define CODECELL_DOCKER_CELL_REAPER_H

#include "docker/cell/cells.h"
#include "docker/cell/volume.h"

#define REAPER_SOON_MS 5000u
#define REAPER_PERIOD_MS 60000u
#define REAPER_OLD_S 300
#define REAPER_BATCH 64u /* containers that one sweep removes at most */

struct reaper {
    struct cells *cells;
    const struct volume *volume;
    uv_timer_t timer;
    struct call *listing, *volumes;
    struct list removals; /* under way */
    bool sweeping;
    void (*swept)(void *arg); /* a sweep is over, whether or not all its removals succeeded */
    void *arg;
};

void reaper_init(struct reaper *reaper, struct cells *cells, const struct volume *volume, void (*swept)(void *arg),
                 void *arg);
void reaper_sweep(struct reaper *reaper); /* begins now, unless a sweep is under way; the timer starts anew */
void reaper_stop(struct reaper *reaper);  /* cancels the calls; no sweep and no `swept` after this */
void reaper_close(struct reaper *reaper, uv_close_cb closed); /* closes the timer; the handle's data is the reaper */

struct container_entry;
/* Whether the reaper removes this container. Pure. `known`: a cell or the volume's filler has its name. */
bool reaper_condemns(const struct container_entry *entry, const char *instance, bool known, int64_t now_s);

#endif
