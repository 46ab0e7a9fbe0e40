/* One cell's life. The happy path: cell_make -> create call -> on_created -> attach_open -> on_attach_open
 * -> start call -> READY (cell_ready.c) -> ready; cell_run (cell_job.c) -> done; cell_end -> remove call -> gone. In
 * state ready the cell may be prewarmed (cell_prewarm.c); after its job it may be reset and become ready once more
 * (cell_reset.c). Every failure goes through cell_fail() to ending, and from there to the same removal. Only the answer
 * to the create call brings the container's id, so a cell that ends during that call waits for the answer before it
 * removes the container. */
#include "docker/cell/cell.h"

#include "base/seam.h"
#include "base/states.h"
#include "base/text.h"
#include "docker/cell/cell_private.h"
#include "docker/cell/cell_shares.h"
#include "docker/cell/cell_update.h"
#include "docker/engine/codec.h"
#include "docker/engine/codec_read.h"
#include "docker/wire/confine.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[CELL_STATES] = {"creating", "attaching", "starting", "ready", "updating",
                                                     "running",  "resetting", "ending",   "gone"};

static const struct states cell_states = {
    .subject = "cell",
    .names = state_names,
    .next =
        (const uint32_t[]){
            [CELL_CREATING] = STATE(CELL_ATTACHING) | STATE(CELL_ENDING),
            [CELL_ATTACHING] = STATE(CELL_STARTING) | STATE(CELL_ENDING),
            [CELL_STARTING] = STATE(CELL_READY) | STATE(CELL_ENDING),
            [CELL_READY] = STATE(CELL_UPDATING) | STATE(CELL_RUNNING) | STATE(CELL_RESETTING) | STATE(CELL_ENDING),
            [CELL_UPDATING] = STATE(CELL_RUNNING) | STATE(CELL_ENDING),
            [CELL_RUNNING] = STATE(CELL_UPDATING) | STATE(CELL_RESETTING) | STATE(CELL_ENDING),
            [CELL_RESETTING] = STATE(CELL_READY) | STATE(CELL_ENDING),
            [CELL_ENDING] = STATE(CELL_GONE),
            [CELL_GONE] = 0,
        },
    .count = CELL_STATES,
};

static void cell_remove(struct cell *cell);

const char *cell_state_name(enum cell_state state)
{
    return state_names[state];
}

void cell_set_state(struct cell *cell, enum cell_state state)
{
    states_move(&cell_states, cell->state, state, cell->name);
    cell->state = state;
}

enum cell_state cell_state(const struct cell *cell)
{
    return cell->state;
}

const char *cell_language(const struct cell *cell)
{
    return cell->kind->language;
}

const struct cell_kind *cell_kind(const struct cell *cell)
{
    return cell->kind;
}

const struct cell_limits *cell_limits(const struct cell *cell)
{
    return &cell->limits;
}

struct cell_place *cell_place(struct cell *cell)
{
    return &cell->place;
}

struct cell *cell_of(struct cell_place *place)
{
    return container_of(place, struct cell, place);
}

int64_t cell_memory_bytes(const struct cell_kind *kind, const struct cell_limits *limits)
{
    uint32_t steps = kind->compile_memory_mb > limits->memory_mb ? kind->compile_memory_mb : limits->memory_mb;

    return (int64_t)(steps + limits->disk_mb + CELL_AGENT_MB) << 20;
}

uint32_t cell_pids(const struct cell *cell)
{
    return cell->limits.processes + CELL_AGENT_PROCESSES + (cell->capsules ? CELL_KEEPER_PROCESSES : 0);
}

bool cell_is_attached(const struct cell *cell)
{
    return cell->attach != NULL;
}

unsigned cell_jobs(const struct cell *cell)
{
    return cell->jobs;
}

uint64_t cell_held_bytes(const struct cell *cell)
{
    return cell->held_bytes;
}

/* Ending. */

static void on_cell_timer_closed(uv_handle_t *handle)
{
    struct cell *cell = handle->data;

    list_remove(&cell->node);
    cell->cells->count--;
    cell->owner->on_gone(cell->owner->arg, cell);
    buf_free(&cell->frames);
    free(cell);
}

static void cell_gone(struct cell *cell)
{
    cell_set_state(cell, CELL_GONE);
    uv_close((uv_handle_t *)&cell->timer, on_cell_timer_closed);
}

static void on_remove_timer(uv_timer_t *timer)
{
    cell_remove(timer->data);
}

static void on_cell_removed(void *arg, int status, json_t *reply, const struct error *error)
{
    struct cell *cell = arg;

    (void)reply;
    (void)error;
    cell->call = NULL;
    /* 404: it is gone already. Status 0: the engine is away; the reaper removes the container when it is back. */
    if ((status >= 200 && status < 300) || status == 404 || status == 0 || cell->removals >= CELL_REMOVE_TRIES)
        cell_gone(cell);
    else
        uv_timer_start(&cell->timer, on_remove_timer, 200u << cell->removals, 0);
}

static void cell_remove(struct cell *cell)
{
    char path[CELL_CONTAINER_ID_MAX + 40];

    if (cell->id[0] == '\0') {
        cell_gone(cell);
        return;
    }
    cell->removals++;
    snprintf(path, sizeof path, "/containers/%s?force=1&v=1", cell->id);
    cell->call = engine_call(
        cell->cells->engine,
        &(struct call_options){.method = "DELETE", .path = path, .deadline_ms = CELL_CALL_MS, .metric = "remove"},
        on_cell_removed, cell);
    if (cell->call == NULL) /* out of memory: the reaper removes the container */
        cell_gone(cell);
}

static void cell_drop_stream(struct cell *cell)
{
    if (cell->attach != NULL)
        attach_close(cell->attach);
    cell->attach = NULL;
}

static void cell_leave(struct cell *cell)
{
    bool creating = cell->state == CELL_CREATING;

    cell_set_state(cell, CELL_ENDING);
    uv_timer_stop(&cell->timer);
    cell->events = NULL;
    cell->job = NULL;
    cell_drop_stream(cell);
    cell_shares_forget(cell);
    cell_update_forget(cell);
    cell->owner->on_ending(cell->owner->arg, cell, &cell->error);
    if (creating && cell->call != NULL)
        return; /* on_created() will remove the container, whose id we do not know yet */
    if (cell->call != NULL)
        call_cancel(cell->call);
    cell->call = NULL;
    cell_remove(cell);
}

void cell_end(struct cell *cell)
{
    if (cell->state != CELL_ENDING && cell->state != CELL_GONE)
        cell_leave(cell);
}

void cell_abandon(struct cell *cell)
{
    if (cell->state != CELL_ENDING)
        return;
    if (cell->call != NULL)
        call_cancel(cell->call);
    cell->call = NULL;
    cell_gone(cell);
}

void cell_fail(struct cell *cell, enum error_code code, const char *format, ...)
{
    va_list args;
    char text[sizeof cell->error.text];

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    error_set(&cell->error, code, "%s", text);
    if (cell->events != NULL)
        cell_job_finish(cell, CELL_LOST);
    else if (cell->state == CELL_RUNNING)
        cell_drop_stream(cell); /* the job is over, and the taker will end the cell or reset it */
    else if (cell->state != CELL_ENDING)
        cell_leave(cell);
}

static void on_not_ready(uv_timer_t *timer)
{
    struct cell *cell = timer->data;

    cell_fail(cell, ERROR_INTERNAL, "not ready in time (state %s)", cell_state_name(cell->state));
}

void cell_hurry(struct cell *cell, uint64_t ms)
{
    uv_timer_start(&cell->timer, on_not_ready, ms, 0);
}

/* The attach stream. */

void cell_be_ready(struct cell *cell)
{
    uv_timer_stop(&cell->timer);
    cell_set_state(cell, CELL_READY);
    if (cell->job != NULL)
        cell_job_begin(cell);
    else
        cell->owner->on_ready(cell->owner->arg, cell);
}

static void on_cell_frame(struct cell *cell, const struct frame *frame)
{
    if (cell->state == CELL_STARTING || cell->state == CELL_RESETTING)
        cell_ready_frame(cell, frame);
    else if (cell->state == CELL_RUNNING && cell->events != NULL)
        cell_job_frame(cell, frame);
    else if (cell->state == CELL_RUNNING || !cell_prewarm_frame(cell, frame))
        cell_fail(cell, ERROR_INTERNAL, "unexpected frame in state %s", cell_state_name(cell->state));
}

static bool cell_is_held(const struct cell *cell)
{
    return cell->held && cell->state == CELL_RUNNING;
}

/* Takes whole frames from the front of `data`. Returns how many bytes they have. Stops if a frame ends the cell, or if
 * the cell is held. */
static size_t cell_read_frames(struct cell *cell, const uint8_t *data, size_t len)
{
    size_t taken = 0;

    while (cell->attach != NULL && !cell_is_held(cell)) {
        struct frame frame;
        long n = frame_read(data + taken, len - taken, &frame);

        if (n == 0)
            break;
        if (n < 0) {
            cell_fail(cell, ERROR_INTERNAL, "invalid frame");
            break;
        }
        taken += (size_t)n;
        on_cell_frame(cell, &frame);
    }
    return taken;
}

void cell_read_held(struct cell *cell)
{
    size_t taken = cell_read_frames(cell, (const uint8_t *)cell->frames.data, cell->frames.len);

    if (cell->attach != NULL)
        buf_consume(&cell->frames, taken);
}

/* First completes the frame that an earlier read began. Then reads from `data`, and keeps the rest. */
static void on_attach_data(void *arg, const uint8_t *data, size_t len)
{
    struct cell *cell = arg;

    while (cell->frames.len > 0 && len > 0 && cell->attach != NULL && !cell_is_held(cell)) {
        size_t room = cell->frames.max - cell->frames.len;
        size_t part = len < room ? len : room;

        if (buf_append(&cell->frames, data, part) != 0) {
            cell_fail(cell, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
            return;
        }
        data += part;
        len -= part;
        cell_read_held(cell);
    }
    size_t taken = cell->attach != NULL ? cell_read_frames(cell, data, len) : len;
    if (cell->attach != NULL && taken < len && buf_append(&cell->frames, data + taken, len - taken) != 0)
        cell_fail(cell, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
}

static void on_attach_stderr(void *arg, const uint8_t *data, size_t len)
{
    cell_ready_notice(arg, data, len);
}

static void on_attach_drain(void *arg)
{
    struct cell *cell = arg;

    if (cell->state == CELL_RUNNING)
        cell_job_feed(cell);
}

static void on_attach_end(void *arg, const struct error *error)
{
    struct cell *cell = arg;

    cell_drop_stream(cell);
    if (cell->state == CELL_RUNNING && cell->events != NULL)
        cell_job_stream_end(cell);
    else
        cell_fail(cell, ERROR_INTERNAL, "the stream ended in state %s: %s", cell_state_name(cell->state),
                  error->code != ERROR_NONE ? error->text : "end of file");
}

static void on_unsent(uv_timer_t *timer)
{
    cell_fail(timer->data, ERROR_INTERNAL, "the request to the agent could not be sent");
}

void cell_ask(struct cell *cell, struct buf *out, int failed, uv_timer_cb on_late, uint64_t limit_ms)
{
    if (failed == 0)
        failed = attach_write(cell->attach, out);
    buf_free(out);
    uv_timer_start(&cell->timer, failed == 0 ? on_late : on_unsent, failed == 0 ? limit_ms : 0, 0);
}

/* Making. */

static void on_started(void *arg, int status, json_t *reply, const struct error *error)
{
    struct cell *cell = arg;

    (void)reply;
    cell->call = NULL;
    if (status < 200 || status >= 300) /* in any state: READY may come before this answer */
        cell_fail(cell, status == 0 ? ERROR_UNAVAILABLE : ERROR_INTERNAL, "start: %s", error->text);
}

static void on_attach_open(void *arg)
{
    struct cell *cell = arg;
    char path[CELL_CONTAINER_ID_MAX + 40];

    cell_set_state(cell, CELL_STARTING);
    cell_ready_await(cell);
    snprintf(path, sizeof path, "/containers/%s/start", cell->id);
    cell->call = engine_call(
        cell->cells->engine,
        &(struct call_options){.method = "POST", .path = path, .deadline_ms = CELL_CALL_MS, .metric = "start"},
        on_started, cell);
}

static const struct attach_events attach_events = {
    .on_open = on_attach_open,
    .on_data = on_attach_data,
    .on_stderr = on_attach_stderr,
    .on_drain = on_attach_drain,
    .on_end = on_attach_end,
};

static void on_created(void *arg, int status, json_t *reply, const struct error *error)
{
    struct cell *cell = arg;
    const char *id = status == 201 ? codec_created_id(reply) : NULL;

    cell->call = NULL;
    if (id != NULL && strlen(id) <= CELL_CONTAINER_ID_MAX)
        text_copy(cell->id, sizeof cell->id, id);
    if (cell->state == CELL_ENDING) {
        cell_remove(cell);
        return;
    }
    if (cell->id[0] == '\0') {
        cell_fail(cell,
                  status == 0     ? ERROR_UNAVAILABLE
                  : status == 404 ? ERROR_NOT_FOUND
                                  : ERROR_INTERNAL,
                  "create: %s", error->text);
        return;
    }
    cell_set_state(cell, CELL_ATTACHING);
    cell->attach = attach_open(cell->cells->engine, cell->id, CELL_READY_MS, &attach_events, cell);
    if (cell->attach == NULL)
        cell_fail(cell, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
}

static json_t *cell_container_body(const struct cell *cell)
{
    const struct cells *cells = cell->cells;
    const struct cell_limits *limits = &cell->limits;
    static const char role[] = LABEL_ROLE_CELL;
    char instance[80], language[80], name[CELL_NAME_MAX + 32], created[64], time[TIME_LEN + 1], user[32];

    text_time(seam_wall_ms(), time);
    snprintf(instance, sizeof instance, LABEL_INSTANCE "=%s", cells->instance);
    snprintf(language, sizeof language, LABEL_LANGUAGE "=%s", cell->kind->language);
    snprintf(name, sizeof name, LABEL_NAME "=%s", cell->name);
    snprintf(created, sizeof created, LABEL_CREATED "=%s", time);
    snprintf(user, sizeof user, "%u:%u", cell->uid, cell->uid);
    return codec_container(&(struct container_spec){
        .image = cell->kind->image,
        .entrypoint = (const char *const[]){CELL_AGENT_PATH, cell->capsules ? CELL_AGENT_CAPSULES : NULL, NULL},
        .user = user,
        .labels = (const char *const[]){instance, role, language, name, created, NULL},
        .memory_bytes = cell_memory_bytes(cell->kind, limits),
        .nano_cpus = (int64_t)limits->milli_cpus * 1000000,
        .pids = cell_pids(cell),
        .tmpfs_bytes = (uint64_t)limits->disk_mb << 20,
        .tmpfs_inodes = CELL_TMP_INODES,
        .uid = cell->uid,
        .volume = cells->volume,
        .volume_target = CELL_AGENT_FOLDER,
        .runtime = cells->runtime,
        .seccomp = cells->seccomp[cell->capsules],
        .fsize_bytes = (uint64_t)limits->disk_mb << 20,
        .shm_bytes = CONFINE_SHM_BYTES,
        .readonly_root = true,
        .stdin_open = true,
        .podman = cells->podman,
        .capsules = cell->capsules,
        .apparmor = cells->apparmor,
    });
}

static void cell_create(struct cell *cell)
{
    char path[CELL_NAME_MAX + 40];

    snprintf(path, sizeof path, "/containers/create?name=%s", cell->name);
    cell->call = engine_call(cell->cells->engine,
                             &(struct call_options){.method = "POST",
                                                    .path = path,
                                                    .body = cell_container_body(cell),
                                                    .deadline_ms = CELL_CREATE_MS,
                                                    .metric = "create"},
                             on_created, cell);
}

struct cell *cell_make(struct cells *cells, const struct cell_kind *kind, const struct cell_limits *limits,
                       const struct cell_owner *owner)
{
    struct cell *cell = cells->count < CELLS_MAX ? calloc(1, sizeof *cell) : NULL;
    char uuid[UUID_LEN + 1];

    if (cell == NULL)
        return NULL;
    cell->cells = cells;
    cell->kind = kind;
    cell->limits = *limits;
    cell->capsules = cells->capsules;
    cell->owner = owner;
    cell->state = CELL_CREATING;
    cell->uid = cells_take_uid(cells);
    text_uuid(uuid);
    snprintf(cell->name, sizeof cell->name, "codecell-%s", uuid);
    buf_init(&cell->frames, CELL_FRAMES_MAX);
    uv_timer_init(cells->loop, &cell->timer);
    cell->timer.data = cell;
    uv_timer_start(&cell->timer, on_not_ready, CELL_READY_MS, 0);
    list_unshift(&cells->all, &cell->node);
    cells->count++;
    cell_create(cell);
    return cell;
}
