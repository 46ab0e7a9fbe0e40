/* Prewarming: the interpreter of a ready cell is started ahead of its job, and held before it reads its program. The
 * job goes on in that process, unless this could make a difference other than in time; the agent decides that. */
#ifndef CODECELL_DOCKER_CELL_CELL_PREWARM_H
#define CODECELL_DOCKER_CELL_CELL_PREWARM_H

#include <stdbool.h>
#include <stdint.h>

struct cell;
struct frame;

#define CELL_PREWARM_MS 25000u /* for an interpreter's start; then the cell fails */

enum cell_warmth {
    CELL_BLANK,         /* no interpreter was started */
    CELL_PREWARMING,    /* it is being started */
    CELL_PREWARMED,     /* it waits for its program */
    CELL_NOT_PREWARMED, /* it could not be held (an engine or a kernel that forbids ptrace): jobs start their own */
    CELL_WARMTHS
};

/* Starts the interpreter (kind->prewarm_argv). Only in state ready and CELL_BLANK. on_prewarmed follows, or on_ending,
 * or neither if a job comes first. */
void cell_prewarm(struct cell *cell);

enum cell_warmth cell_warmth(const struct cell *cell);
uint64_t cell_prewarmed_bytes(const struct cell *cell); /* memory of the container with its interpreter; 0: unknown */

/* For the other files of docker/cell. Reads the agent's answer to PREPARE. False: the frame is something else, or
 * nothing was asked. */
bool cell_prewarm_frame(struct cell *cell, const struct frame *frame);
void cell_prewarm_forget(struct cell *cell); /* the cell was reset: it is blank */

#endif
