/* READY: the word of process 1 of the container that a fresh agent waits for a job. It counts only if it comes on the
 * container's standard output and on its standard error with the same number, and nothing else comes between
 * (docker/wire/frame.h says why an agent cannot forge that). The cell answers with OPEN. */
#ifndef CODECELL_DOCKER_CELL_CELL_READY_H
#define CODECELL_DOCKER_CELL_CELL_READY_H

#include "docker/wire/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cell;

/* READY as far as it has come. */
struct cell_ready {
    bool said[2]; /* on standard output, on standard error */
    struct frame_ready words[2];
    uint8_t notice[FRAME_HEADER + FRAME_READY_SIZE]; /* bytes of a frame on standard error that is not whole yet */
    size_t notice_len;
};

/* READY is expected from now on: the cell was started or reset. */
void cell_ready_await(struct cell *cell);

/* A frame came on standard output while READY is expected. */
void cell_ready_frame(struct cell *cell, const struct frame *frame);

/* Bytes came on standard error, in any state. */
void cell_ready_notice(struct cell *cell, const uint8_t *data, size_t len);

#endif
