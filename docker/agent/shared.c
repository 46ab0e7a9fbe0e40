#include "docker/agent/shared.h"

#include "docker/agent/masks.h"
#include "docker/agent/stages.h"
#include "docker/agent/system.h"

#include <fcntl.h>

static int make_namespaces(const struct capsule *capsule)
{
    (void)capsule;
    return unshare(CLONE_NEWUSER | CLONE_NEWNS);
}

static int hide_devices(const struct capsule *capsule)
{
    (void)capsule;
    return masks_hide_devices();
}

static int hide_cgroup(const struct capsule *capsule)
{
    (void)capsule;
    return masks_hide_cgroup();
}

struct capsule_report shared_make(struct capsule *capsule)
{
    static const struct stage making[] = {
        {FRAME_STAGE_CLONE, make_namespaces},
        {FRAME_STAGE_USERS, stages_map_user},
        {FRAME_STAGE_MASKS, hide_devices},
        {FRAME_STAGE_CGROUP, hide_cgroup},
    };
    capsule->network = (int)system_must(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    return stages_run(making, sizeof making / sizeof *making, capsule);
}
