#include "client/progress.h"

#include "base/seam.h"

#include <stdio.h>

bool progress_is_due(struct progress *progress, uint64_t now)
{
    if (progress->began == 0)
        progress->began = now;
    if (now - progress->began < PROGRESS_QUIET_MS || (progress->shown != 0 && now - progress->shown < PROGRESS_STEP_MS))
        return false;
    progress->shown = now;
    return true;
}

/* Decimal units, as the API's limits on files have them. */
static int write_bytes(char *out, size_t room, uint64_t bytes)
{
    if (bytes < 1000000)
        return snprintf(out, room, "%.0f kB", (double)bytes / 1e3);
    if (bytes < 1000000000)
        return snprintf(out, room, "%.1f MB", (double)bytes / 1e6);
    return snprintf(out, room, "%.2f GB", (double)bytes / 1e9);
}

void progress_text(char *out, size_t room, uint64_t done, uint64_t total, uint64_t ms)
{
    char now[32], all[32], rate[32];

    write_bytes(now, sizeof now, done);
    write_bytes(all, sizeof all, total);
    write_bytes(rate, sizeof rate, ms > 0 ? done * 1000 / ms : 0);
    if (total > 0)
        snprintf(out, room, "%s of %s (%d %%), %s/s", now, all, (int)((double)done * 100 / (double)total), rate);
    else
        snprintf(out, room, "%s, %s/s", now, rate);
}

void progress_show(struct progress *progress, uint64_t done, uint64_t total)
{
    char line[128];
    uint64_t now = seam()->monotonic_ns() / 1000000;

    if (!progress_is_due(progress, now))
        return;
    progress_text(line, sizeof line, done, total, now - progress->began);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->shown != 0)
        fputs("\r\033[K", stderr);
    *progress = (struct progress){.began = 0};
}
