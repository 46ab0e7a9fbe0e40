#include "docker/cell/cell_ready.h"

#include "docker/cell/cell_private.h"

#include <string.h>

enum { WORD_STDOUT, WORD_STDERR };

void cell_ready_await(struct cell *cell)
{
    cell->ready = (struct cell_ready){.notice_len = 0};
}

static bool ready_is_awaited(const struct cell *cell)
{
    return cell->state == CELL_STARTING || cell->state == CELL_RESETTING;
}

static int send_open(struct cell *cell, uint64_t number)
{
    uint8_t payload[FRAME_OPEN_SIZE];
    struct buf out;

    frame_open_put(payload, &(struct frame_open){.number = number,
                                                 .tmp_bytes = (uint64_t)cell->limits.disk_mb << 20,
                                                 .tmp_inodes = CELL_TMP_INODES});
    buf_init(&out, sizeof payload + FRAME_HEADER);
    int failed = cell_put(&out, FRAME_OPEN, payload, sizeof payload);
    if (failed == 0)
        failed = attach_write(cell->attach, &out);
    buf_free(&out);
    return failed;
}

/* Both words are there. */
static void cell_agree(struct cell *cell)
{
    const struct frame_ready *words = cell->ready.words;

    if (words[WORD_STDOUT].number != words[WORD_STDERR].number) {
        cell_fail(cell, ERROR_INTERNAL, "READY has another number on each stream");
    } else if (send_open(cell, words[WORD_STDERR].number) != 0) {
        cell_fail(cell, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
    } else {
        cell->held_bytes = words[WORD_STDERR].held;
        cell_prewarm_forget(cell);
        cell_be_ready(cell);
    }
}

static void cell_hear_ready(struct cell *cell, int stream, const struct frame *frame)
{
    struct cell_ready *ready = &cell->ready;

    if (!ready_is_awaited(cell) || ready->said[stream] || !frame_ready_get(frame, &ready->words[stream]) ||
        ready->words[stream].version != FRAME_VERSION) {
        cell_fail(cell, ERROR_INTERNAL, "unexpected READY in state %s", cell_state_name(cell->state));
        return;
    }
    ready->said[stream] = true;
    if (ready->said[WORD_STDOUT] && ready->said[WORD_STDERR])
        cell_agree(cell);
}

/* An interpreter that was being started when the cell was reset may have become ready at the same time. */
static bool is_late_prepared(struct cell *cell, const struct frame *frame)
{
    return cell->state == CELL_RESETTING && !cell->ready.said[WORD_STDOUT] && cell_prewarm_frame(cell, frame);
}

void cell_ready_frame(struct cell *cell, const struct frame *frame)
{
    if (frame->type == FRAME_READY)
        cell_hear_ready(cell, WORD_STDOUT, frame);
    else if (!is_late_prepared(cell, frame))
        cell_fail(cell, ERROR_INTERNAL, "unexpected frame of type %u in state %s", frame->type,
                  cell_state_name(cell->state));
}

static void cell_hear_failed(struct cell *cell, const struct frame *frame)
{
    struct frame_failed failed;

    if (frame_failed_get(frame, &failed) && failed.failure == FRAME_FAIL_CAPSULE)
        cell_fail(cell, ERROR_INTERNAL, "no capsule: stage %s: %s", frame_stage_name(failed.stage),
                  strerrorname_np((int)failed.error) != NULL ? strerrorname_np((int)failed.error) : "unknown error");
    else
        cell_fail(cell, ERROR_INTERNAL, "unexpected failure on the container's standard error");
}

static void on_notice(struct cell *cell, const struct frame *frame)
{
    if (frame->type == FRAME_READY)
        cell_hear_ready(cell, WORD_STDERR, frame);
    else if (frame->type == FRAME_FAILED)
        cell_hear_failed(cell, frame);
    else
        cell_fail(cell, ERROR_INTERNAL, "unexpected frame of type %u on the container's standard error", frame->type);
}

/* The frame leaves the buffer first, because what it leads to may reset the cell. */
static void take_notice(struct cell *cell, size_t len)
{
    struct cell_ready *ready = &cell->ready;
    uint8_t bytes[sizeof ready->notice];
    struct frame frame;

    memcpy(bytes, ready->notice, len);
    ready->notice_len -= len;
    memmove(ready->notice, ready->notice + len, ready->notice_len);
    if (frame_read(bytes, len, &frame) > 0)
        on_notice(cell, &frame);
}

/* No frame here is longer than READY. What is no frame may be the runtime's message that it cannot start the agent. */
void cell_ready_notice(struct cell *cell, const uint8_t *data, size_t len)
{
    struct cell_ready *ready = &cell->ready;

    while (len > 0 && cell->attach != NULL) {
        size_t room = sizeof ready->notice - ready->notice_len, part = len < room ? len : room;
        struct frame frame;

        memcpy(ready->notice + ready->notice_len, data, part);
        ready->notice_len += part;
        data += part;
        len -= part;
        long n = frame_read(ready->notice, ready->notice_len, &frame);
        if (n < 0 || (n == 0 && ready->notice_len == sizeof ready->notice)) {
            cell_fail(cell, ERROR_INTERNAL, "what came on the container's standard error is not a frame");
        } else if (n > 0) {
            take_notice(cell, (size_t)n);
        }
    }
}
