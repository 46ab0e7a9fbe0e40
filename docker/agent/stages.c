#include "docker/agent/stages.h"

#include "docker/agent/system.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#ifdef CAPSULE_FAULTS /* the tests' agent: the container's variable CAPSULE_FAULT has the stage that fails */
#include <stdlib.h>
static bool fails(enum frame_stage stage)
{
    const char *fault = getenv("CAPSULE_FAULT");
    errno = EIO;
    return fault && strcmp(fault, frame_stage_name(stage)) == 0;
}
#else
static bool fails(enum frame_stage stage)
{
    (void)stage;
    return false;
}
#endif

struct capsule_report stages_run(const struct stage *stages, size_t len, const struct capsule *capsule)
{
    for (size_t i = 0; i < len; i++)
        if (fails(stages[i].stage) || stages[i].run(capsule) < 0)
            return (struct capsule_report){stages[i].stage, errno};
    return (struct capsule_report){CAPSULE_BUILT, 0};
}

static int map_id(const char *path, unsigned id)
{
    char line[48];
    snprintf(line, sizeof line, "%u %u 1\n", id, id);
    return system_write_text(path, line);
}

/* The files of a process that is not dumpable belong to root, and only their owner may write the maps. There is no
 * program yet that could make use of that moment. */
int stages_map_user(const struct capsule *capsule)
{
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 || system_write_text("/proc/self/setgroups", "deny") < 0 ||
        map_id("/proc/self/uid_map", capsule->uid) < 0 || map_id("/proc/self/gid_map", capsule->gid) < 0)
        return -1;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
