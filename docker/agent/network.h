/* The network namespace of capsules. It belongs to the keeper's user namespace (shared.h), so no capsule can change its
 * settings. To make and remove one takes the processors 2 ms, a third of a capsule's cost, and few programs use the
 * network. So it is kept for the next capsule if the kernel's counters prove that no job has used it: no packet and no
 * failed attempt was counted, and no socket is left. A socket that was made and closed without a connection leaves
 * nothing. docs/internals/capsule.md says why that is all. */
#ifndef CODECELL_AGENT_NETWORK_H
#define CODECELL_AGENT_NETWORK_H

#include "docker/agent/capsule.h"

/* Leaves the keeper in a network namespace that nobody has used: the one that it has, or a new one. To be called while
 * there is no capsule. The stage that failed; CAPSULE_BUILT: none. */
struct capsule_report network_renew(const struct capsule *capsule);

#endif
