/* A capsule: new namespaces for one job, inside the container and the keeper's own (shared.h). Process 1 of the capsule
 * builds it from within, in the order of enum frame_stage, and is the agent afterwards. The container stays as the
 * outer wall. Each step is checked; if one fails, it is reported to the keeper and the process ends.
 *
 * The capsule has two user and mount namespaces, one in the other. The outer one owns the mounts, so nothing in the
 * inner one can undo them, even with all capabilities. The agent and the program are in the inner one, without any
 * capability. The user keeps its number in both, and no other user is mapped: files of root show as nobody's. */
#ifndef CODECELL_AGENT_CAPSULE_H
#define CODECELL_AGENT_CAPSULE_H

#include "docker/wire/frame.h"

#include <sched.h>
#include <stdint.h>

/* The container's seccomp profile allows clone() with exactly these (docker/engine/codec_seccomp.c). */
#define CAPSULE_NAMESPACES (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

#define CAPSULE_BUILT 0u /* in place of a stage: all is well so far */

/* What process 1 of the capsule tells the keeper through a pipe: CAPSULE_BUILT at the end of capsule_build(), or the
 * step that failed. */
struct capsule_report {
    uint32_t stage; /* CAPSULE_BUILT or enum frame_stage */
    int32_t error;  /* errno */
};

struct capsule {
    uint64_t number;                /* of READY */
    unsigned uid, gid;              /* of the container's user */
    uint64_t tmp_bytes, tmp_inodes; /* of OPEN */
    int report;                     /* the pipe's end; -1: closed */
    int network;                    /* the container's own network namespace (shared.h); -1 in a capsule */
};

/* What each capsule has of its own and does not depend on the job: up to FRAME_STAGE_DEVICES. To be called first in
 * process 1 of the capsule. */
void capsule_build(struct capsule *capsule);

/* The rest, after OPEN. Afterwards the process has no capability, cannot make namespaces or mounts, and has neither
 * the pipe nor the container's standard error. */
void capsule_open(struct capsule *capsule, const struct frame_open *frame);

#endif
