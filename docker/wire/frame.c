#include "docker/wire/frame.h"

#define MODE_MAX 0777u
#define EXIT_CODE_MAX 255u
#define SIGNAL_MAX 64u

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static void put64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v |= (uint32_t)p[i] << (8 * i);
    return v;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

void frame_header(uint8_t out[FRAME_HEADER], uint8_t type, uint8_t step, uint8_t channel, uint32_t length)
{
    out[0] = type;
    out[1] = step;
    out[2] = channel;
    out[3] = 0;
    put32(out + 4, length);
}

long frame_read(const uint8_t *data, size_t len, struct frame *out)
{
    if (len < FRAME_HEADER)
        return 0;
    uint32_t length = get32(data + 4);
    if (length > FRAME_PAYLOAD_MAX || data[3] != 0)
        return -1;
    if (len - FRAME_HEADER < length)
        return 0;
    *out = (struct frame){
        .type = data[0], .step = data[1], .channel = data[2], .length = length, .payload = data + FRAME_HEADER};
    return (long)(FRAME_HEADER + length);
}

/* READY: u32 version. */

void frame_ready_put(uint8_t out[FRAME_READY_SIZE], uint32_t version)
{
    put32(out, version);
}

bool frame_ready_get(const struct frame *frame, uint32_t *version)
{
    if (frame->length != FRAME_READY_SIZE)
        return false;
    *version = get32(frame->payload);
    return true;
}

/* FILE: u32 mode, then the path. */

void frame_file_put(uint8_t out[FRAME_FILE_HEAD], uint32_t mode)
{
    put32(out, mode);
}

bool frame_file_get(const struct frame *frame, struct frame_file *out)
{
    if (frame->length < FRAME_FILE_HEAD)
        return false;
    *out = (struct frame_file){
        .mode = get32(frame->payload),
        .path = (const char *)frame->payload + FRAME_FILE_HEAD,
        .path_len = frame->length - FRAME_FILE_HEAD,
    };
    return out->mode <= MODE_MAX;
}

/* STEP: u64 timeout_ms, u64 output_max, u64 memory_bytes, u64 report_max, then argv. */

void frame_step_put(uint8_t out[FRAME_STEP_HEAD], const struct frame_step_spec *spec)
{
    put64(out, spec->timeout_ms);
    put64(out + 8, spec->output_max);
    put64(out + 16, spec->memory_bytes);
    put64(out + 24, spec->report_max);
}

bool frame_step_get(const struct frame *frame, struct frame_step_spec *out, const char **argv, size_t *argv_len)
{
    if (frame->length <= FRAME_STEP_HEAD)
        return false;
    *out = (struct frame_step_spec){
        .timeout_ms = get64(frame->payload),
        .output_max = get64(frame->payload + 8),
        .memory_bytes = get64(frame->payload + 16),
        .report_max = get64(frame->payload + 24),
    };
    *argv = (const char *)frame->payload + FRAME_STEP_HEAD;
    *argv_len = frame->length - FRAME_STEP_HEAD;
    return (*argv)[0] != '\0' && (*argv)[*argv_len - 1] == '\0';
}

/* PREPARE: u32 hold. */

void frame_prepare_put(uint8_t out[FRAME_PREPARE_SIZE], enum frame_hold hold)
{
    put32(out, hold);
}

bool frame_prepare_get(const struct frame *frame, enum frame_hold *hold)
{
    if (frame->length != FRAME_PREPARE_SIZE || get32(frame->payload) > FRAME_HOLD_OPEN)
        return false;
    *hold = (enum frame_hold)get32(frame->payload);
    return true;
}

/* PREPARED: u32 held, u32 0, u64 bytes. */

void frame_prepared_put(uint8_t out[FRAME_PREPARED_SIZE], const struct frame_prepared *prepared)
{
    put32(out, prepared->held);
    put32(out + 4, 0);
    put64(out + 8, prepared->bytes);
}

bool frame_prepared_get(const struct frame *frame, struct frame_prepared *out)
{
    const uint8_t *p = frame->payload;
    if (frame->length != FRAME_PREPARED_SIZE || get32(p) > 1 || get32(p + 4) != 0)
        return false;
    *out = (struct frame_prepared){.held = get32(p) == 1, .bytes = get64(p + 8)};
    return true;
}

/* STEP_END: u32 exit_code, u32 signal, u32 flags, u32 0, u64 wall_ns, u64 cpu_ns, u64 peak_bytes. */

void frame_step_end_put(uint8_t out[FRAME_STEP_END_SIZE], const struct frame_step_end *end)
{
    put32(out, end->exit_code);
    put32(out + 4, end->signal);
    put32(out + 8, end->flags);
    put32(out + 12, 0);
    put64(out + 16, end->wall_ns);
    put64(out + 24, end->cpu_ns);
    put64(out + 32, end->peak_bytes);
}

bool frame_step_end_get(const struct frame *frame, struct frame_step_end *out)
{
    const uint8_t *p = frame->payload;
    if (frame->length != FRAME_STEP_END_SIZE)
        return false;
    *out = (struct frame_step_end){
        .exit_code = get32(p),
        .signal = get32(p + 4),
        .flags = get32(p + 8),
        .wall_ns = get64(p + 16),
        .cpu_ns = get64(p + 24),
        .peak_bytes = get64(p + 32),
    };
    return out->exit_code <= EXIT_CODE_MAX && out->signal <= SIGNAL_MAX;
}

/* FAILED: u32 failure, u32 error. */

void frame_failed_put(uint8_t out[FRAME_FAILED_SIZE], const struct frame_failed *failed)
{
    put32(out, failed->failure);
    put32(out + 4, failed->error);
}

bool frame_failed_get(const struct frame *frame, struct frame_failed *out)
{
    if (frame->length != FRAME_FAILED_SIZE)
        return false;
    *out = (struct frame_failed){.failure = get32(frame->payload), .error = get32(frame->payload + 4)};
    return true;
}
