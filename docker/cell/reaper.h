/* The reaper removes what servers left in the engine: this instance's containers that nobody here knows,
 * any instance's that have ended or were never started for REAPER_OLD_S, and this instance's volumes of older
 * agents. Cells of other servers that run are not touched. It sweeps when the engine comes up, after REAPER_SOON_MS
 * (what a killed server had asked the engine for may come into being after its successor's first look), and then
 * every REAPER_PERIOD_MS. */
#ifndef CODECELL_DOCKER_CELL_REAPER_H
#define CODECELL_DOCKER_CELL_REAPER_H

#include "docker/cell/cells.h"
#include "docker/cell/volume.h"

#define REAPER_SOON_MS 5000u
#define REAPER_PERIOD_MS 60000u
#define REAPER_OLD_S 300
#define REAPER_BATCH 64u /* removals that one sweep starts at most */

struct reaper {
    struct cells *cells;
    const struct volume *volume;
    uv_timer_t timer;
    struct call *listing, *volumes;
    struct reaper_removal *removals; /* under way */
    bool sweeping;
    void (*swept)(void *arg); /* the end of a sweep: what it found to go is gone, or stays for the next */
    void *arg;
};

void reaper_init(struct reaper *reaper, struct cells *cells, const struct volume *volume, void (*swept)(void *arg),
                 void *arg);
void reaper_sweep(struct reaper *reaper);                     /* now, unless one is under way; then by the clock */
void reaper_stop(struct reaper *reaper);                      /* no more sweeps, calls are given up */
void reaper_close(struct reaper *reaper, uv_close_cb closed); /* closes the timer; its data is the reaper */

struct container_entry;
/* Whether a listed container is to go: pure. `known`: a cell or the volume's filler of ours bears its name. */
bool reaper_condemns(const struct container_entry *entry, const char *instance, bool known, int64_t now_s);

#endif
