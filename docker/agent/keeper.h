/* Process 1 of a cell with capsules. It makes one capsule after the other, and says READY for each: the word that no
 * agent can say (docker/wire/frame.h). It reads nothing from the stream, so no byte of a job ever reaches it.
 *
 *   settle ─ clone ─ (the capsule is built) ─ READY ─ (OPEN, perhaps a job, RESET) ─ its process 1 exits with 0 ─
 * settle └───────┴──────────────┴─────────────────────────────────┴─ a failure: FAILED if a step failed, then the end
 *
 * The keeper never tells one job from the next. All that the two share is listed in docs/security.md. */
#ifndef CODECELL_AGENT_KEEPER_H
#define CODECELL_AGENT_KEEPER_H

#include "docker/agent/capsule.h"
#include "docker/agent/cgroup.h"

#define KEEPER_SETTLE_MS 500u /* the kernel frees some memory after the last process has ended; then the cell ends */
#define KEEPER_SLACK ((uint64_t)1 << 20) /* bytes that the kernel's counters may be late */

/* Does the keeper's work, in process 1 of the container. Returns only in process 1 of each capsule, after its
 * capsule_build(). */
struct capsule keeper_run(const struct cgroup *cgroup);

/* Says READY with this number on standard output and on standard error: for an agent without a keeper. */
void keeper_say_ready(const struct cgroup *cgroup, uint64_t number);

/* A random number. */
uint64_t keeper_draw(void);

#endif
