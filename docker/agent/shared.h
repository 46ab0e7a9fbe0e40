/* What all capsules of a container have in common: the keeper's own user and mount namespace. In it the container's
 * files that no job may see or change are hidden once, instead of in each capsule. The mounts belong to that user
 * namespace, so nothing in a capsule can undo them. */
#ifndef CODECELL_AGENT_SHARED_H
#define CODECELL_AGENT_SHARED_H

#include "docker/agent/capsule.h"

/* To be called once, in the keeper. The stage that failed; CAPSULE_BUILT: none. Afterwards capsule->network keeps the
 * container's own network namespace alive, although no process is in it: /sys/class/net shows its loopback interface.
 */
struct capsule_report shared_make(struct capsule *capsule);

#endif
