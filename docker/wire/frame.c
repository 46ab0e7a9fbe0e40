#include "docker/wire/frame.h"

#include "docker/wire/integers.h"

#include <signal.h>

#define MODE_MAX 0777u
#define EXIT_CODE_MAX 255u
#define SIGNAL_MAX 64u

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

/* READY: u32 version, u32 0, u64 number, u64 held. */

void frame_ready_put(uint8_t out[FRAME_READY_SIZE], const struct frame_ready *ready)
{
    put32(out, ready->version);
    put32(out + 4, 0);
    put64(out + 8, ready->number);
    put64(out + 16, ready->held);
}

bool frame_ready_get(const struct frame *frame, struct frame_ready *out)
{
    const uint8_t *p = frame->payload;
    if (frame->length != FRAME_READY_SIZE)
        return false;
    *out = (struct frame_ready){.version = get32(p), .number = get64(p + 8), .held = get64(p + 16)};
    return get32(p + 4) == 0;
}

/* OPEN: u64 number, u64 tmp_bytes, u64 tmp_inodes. */

void frame_open_put(uint8_t out[FRAME_OPEN_SIZE], const struct frame_open *open)
{
    put64(out, open->number);
    put64(out + 8, open->tmp_bytes);
    put64(out + 16, open->tmp_inodes);
}

bool frame_open_get(const struct frame *frame, struct frame_open *out)
{
    const uint8_t *p = frame->payload;
    if (frame->length != FRAME_OPEN_SIZE)
        return false;
    *out = (struct frame_open){.number = get64(p), .tmp_bytes = get64(p + 8), .tmp_inodes = get64(p + 16)};
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

/* STEP: u64 timeout_ms, u64 output_max, u64 memory_bytes, u64 report_max, u32 columns, u32 rows, u32 kernel,
 * u32 changes, then argv. */

static bool is_size(const struct frame_size *size)
{
    return size->columns >= 1 && size->columns <= FRAME_SIZE_MAX && size->rows >= 1 && size->rows <= FRAME_SIZE_MAX;
}

static void put_size(uint8_t *out, const struct frame_size *size)
{
    put32(out, size->columns);
    put32(out + 4, size->rows);
}

static struct frame_size get_size(const uint8_t *p)
{
    return (struct frame_size){.columns = get32(p), .rows = get32(p + 4)};
}

void frame_step_put(uint8_t out[FRAME_STEP_HEAD], const struct frame_step_spec *spec)
{
    put64(out, spec->timeout_ms);
    put64(out + 8, spec->output_max);
    put64(out + 16, spec->memory_bytes);
    put64(out + 24, spec->report_max);
    put_size(out + 32, &spec->size);
    put32(out + 40, spec->kernel);
    put32(out + 44, spec->changes);
}

bool frame_step_get(const struct frame *frame, struct frame_step_spec *out, const char **argv, size_t *argv_len)
{
    if (frame->length <= FRAME_STEP_HEAD || get32(frame->payload + 40) > FRAME_KERNEL_USE ||
        get32(frame->payload + 44) > 1)
        return false;
    *out = (struct frame_step_spec){
        .timeout_ms = get64(frame->payload),
        .output_max = get64(frame->payload + 8),
        .memory_bytes = get64(frame->payload + 16),
        .report_max = get64(frame->payload + 24),
        .size = get_size(frame->payload + 32),
        .kernel = (enum frame_kernel)get32(frame->payload + 40),
        .changes = get32(frame->payload + 44) == 1,
    };
    *argv = (const char *)frame->payload + FRAME_STEP_HEAD;
    *argv_len = frame->length - FRAME_STEP_HEAD;
    bool sized = is_size(&out->size) || (out->size.columns == 0 && out->size.rows == 0);
    return sized && (*argv)[0] != '\0' && (*argv)[*argv_len - 1] == '\0';
}

/* SIGNAL: u32 number. */

const uint32_t frame_signals[] = {SIGINT, SIGTERM, SIGKILL, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGWINCH, 0};

void frame_signal_put(uint8_t out[FRAME_SIGNAL_SIZE], uint32_t number)
{
    put32(out, number);
}

bool frame_signal_get(const struct frame *frame, uint32_t *number)
{
    if (frame->length != FRAME_SIGNAL_SIZE)
        return false;
    *number = get32(frame->payload);
    for (const uint32_t *known = frame_signals; *known != 0; known++)
        if (*known == *number)
            return true;
    return false;
}

/* RESIZE: u32 columns, u32 rows. */

void frame_resize_put(uint8_t out[FRAME_RESIZE_SIZE], const struct frame_size *size)
{
    put_size(out, size);
}

bool frame_resize_get(const struct frame *frame, struct frame_size *out)
{
    if (frame->length != FRAME_RESIZE_SIZE)
        return false;
    *out = get_size(frame->payload);
    return is_size(out);
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

/* DONE: u32 kernel, u32 changed. */

void frame_done_put(uint8_t out[FRAME_DONE_SIZE], const struct frame_done *done)
{
    put32(out, done->kernel);
    put32(out + 4, done->changed);
}

bool frame_done_get(const struct frame *frame, struct frame_done *out)
{
    const uint8_t *p = frame->payload;
    if (frame->length != FRAME_DONE_SIZE || get32(p) > 1 || get32(p + 4) > 1)
        return false;
    *out = (struct frame_done){.kernel = get32(p) == 1, .changed = get32(p + 4) == 1};
    return true;
}

/* FAILED: u32 failure, u32 error, u32 stage. */

void frame_failed_put(uint8_t out[FRAME_FAILED_SIZE], const struct frame_failed *failed)
{
    put32(out, failed->failure);
    put32(out + 4, failed->error);
    put32(out + 8, failed->stage);
}

bool frame_failed_get(const struct frame *frame, struct frame_failed *out)
{
    const uint8_t *p = frame->payload;
    if (frame->length != FRAME_FAILED_SIZE)
        return false;
    *out = (struct frame_failed){.failure = get32(p), .error = get32(p + 4), .stage = get32(p + 8)};
    return true;
}

/* A kernel's message: u8 kind, u8 0, u8 0, u8 0, u32 length. */

void frame_message_put(uint8_t out[FRAME_MESSAGE_HEAD], const struct frame_message *message)
{
    put32(out, message->kind);
    put32(out + 4, message->length);
}

bool frame_message_get(const uint8_t in[FRAME_MESSAGE_HEAD], struct frame_message *out)
{
    uint32_t kind = get32(in), length = get32(in + 4);
    bool known = kind >= FRAME_MESSAGE_BUNDLE && kind <= FRAME_MESSAGE_COUNT;
    *out = (struct frame_message){.kind = (enum frame_message_kind)kind, .length = length};
    return kind == FRAME_MESSAGE_END ? length == FRAME_MESSAGE_END_SIZE : known && length <= FRAME_MESSAGE_MAX;
}

const char *frame_stage_name(uint32_t stage)
{
    static const char *const names[FRAME_STAGES] = {
        [FRAME_STAGE_SETTLE] = "settle",         [FRAME_STAGE_CLONE] = "clone",     [FRAME_STAGE_USERS] = "users",
        [FRAME_STAGE_LOOPBACK] = "loopback",     [FRAME_STAGE_NETWORK] = "network", [FRAME_STAGE_PROC] = "proc",
        [FRAME_STAGE_COUNT] = "count",           [FRAME_STAGE_MASKS] = "masks",     [FRAME_STAGE_CGROUP] = "cgroup",
        [FRAME_STAGE_DEVICES] = "devices",       [FRAME_STAGE_TMP] = "tmp",         [FRAME_STAGE_LOCK] = "lock",
        [FRAME_STAGE_PRIVILEGES] = "privileges", [FRAME_STAGE_FILTER] = "filter"};
    return stage > 0 && stage < FRAME_STAGES ? names[stage] : "unknown";
}
