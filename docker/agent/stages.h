/* The stages of a capsule's making (enum frame_stage), in the keeper and in process 1 of the capsule. The program
 * codecell-agent-faulty of the tests fails at the stage that the container's variable CAPSULE_FAULT names. */
#ifndef CODECELL_AGENT_STAGES_H
#define CODECELL_AGENT_STAGES_H

#include "docker/agent/capsule.h"

#include <stddef.h>

struct stage {
    enum frame_stage stage;
    int (*run)(const struct capsule *capsule); /* 0, or -1 with errno */
};

/* Runs the stages in their order until one fails. Returns that one with its errno; CAPSULE_BUILT: none failed. */
struct capsule_report stages_run(const struct stage *stages, size_t len, const struct capsule *capsule);

/* Maps the process's user and group to themselves, in a user namespace that it has just made. 0, or -1 with errno. */
int stages_map_user(const struct capsule *capsule);

#endif
