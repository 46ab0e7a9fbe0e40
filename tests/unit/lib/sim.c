#include "lib/sim.h"

#include "base/log.h"
#include "base/metrics.h"
#include "docker/cell/cells.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

#define SIM_TICK_MS 5

/* The clock of the whole process: its own, and what a test has skipped. */
static atomic_llong skipped_ns;

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int result = (int)syscall(SYS_clock_gettime, clock, out);

    if (result == 0 && clock != CLOCK_REALTIME) {
        long long ns = out->tv_nsec + skipped_ns;
        out->tv_sec += (time_t)(ns / 1000000000);
        out->tv_nsec = (long)(ns % 1000000000);
    }
    return result;
}

void sim_skip(struct sim *sim, uint64_t ms)
{
    skipped_ns += (long long)ms * 1000000;
    uv_update_time(&sim->loop);
}

static void on_sim_tick(uv_timer_t *timer)
{
    (void)timer;
}

int sim_turn(struct sim *sim, unsigned *ticks)
{
    uv_timer_t timer;

    uv_timer_init(&sim->loop, &timer);
    uv_timer_start(&timer, on_sim_tick, SIM_TICK_MS, SIM_TICK_MS);
    uv_run(&sim->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&sim->loop, UV_RUN_NOWAIT);
    return ++*ticks > 20000 / SIM_TICK_MS ? -1 : 0;
}

void sim_idle(struct sim *sim)
{
    unsigned ticks = 0;

    for (int i = 0; i < 6; i++)
        sim_turn(sim, &ticks);
}

/* Requests. */

static const struct {
    const char *method, *part, *word;
} sim_operations[SIM_OPS] = {
    [SIM_LIST] = {"GET ", "/containers/json", "list"},
    [SIM_VOLUMES] = {"GET ", "/volumes?", "volumes"},
    [SIM_VOLUME] = {"POST ", "/volumes/create", "volume"},
    [SIM_VOLUME_REMOVE] = {"DELETE ", "/volumes/", "volume-remove"},
    [SIM_CREATE] = {"POST ", "/containers/create?", "create"},
    [SIM_ARCHIVE] = {"PUT ", "/archive?", "archive"},
    [SIM_ATTACH] = {"POST ", "/attach?", "attach"},
    [SIM_START] = {"POST ", "/start", "start"},
    [SIM_UPDATE] = {"POST ", "/update", "update"},
    [SIM_INSPECT] = {"GET ", "/containers/box", "inspect"},
    [SIM_REMOVE] = {"DELETE ", "/containers/", "remove"},
    [SIM_IMAGE] = {"GET ", "/images/", "image"},
    [SIM_INFO] = {"GET ", "/info ", "info"},
};

static enum sim_op operation_of(const char *line)
{
    for (int op = 0; op < SIM_OPS; op++)
        if (strncmp(line, sim_operations[op].method, strlen(sim_operations[op].method)) == 0 &&
            strstr(line, sim_operations[op].part) != NULL)
            return (enum sim_op)op;
    fail_msg("not an engine's call: %s", line);
    return SIM_OPS;
}

/* The container that a path names, by id or by name. */
static struct sim_box *box_named(struct sim *sim, const char *line)
{
    const char *at = strstr(line, "/containers/");
    size_t len = at != NULL ? strcspn(at + 12, "/? ") : 0;

    for (size_t i = 0; at != NULL && i < sim->boxes_len; i++) {
        struct sim_box *box = &sim->boxes[i];
        if ((strlen(box->id) == len && strncmp(box->id, at + 12, len) == 0) ||
            (strlen(box->name) == len && strncmp(box->name, at + 12, len) == 0))
            return box;
    }
    return NULL;
}

static struct sim_box *box_make(struct sim *sim, const char *line, const char *body)
{
    struct sim_box *box = &sim->boxes[sim->boxes_len];
    json_t *spec = json_loads(body, 0, NULL);
    const char *name = strstr(line, "name=");

    assert_true(sim->boxes_len < SIM_BOXES_MAX && spec != NULL && name != NULL);
    *box = (struct sim_box){.labels = json_incref(json_object_get(spec, "Labels"))};
    snprintf(box->id, sizeof box->id, "box%zu", ++sim->boxes_len);
    snprintf(box->name, sizeof box->name, "%.*s", (int)strcspn(name + 5, " &"), name + 5);
    box->filler = strcmp(json_string_value(json_object_get(box->labels, "io.codecell.role")), "agent") == 0;
    snprintf(box->image, sizeof box->image, "%s", json_string_value(json_object_get(spec, "Image")));
    buf_init(&box->heard, FAKE_BYTES_MAX);
    buf_init(&box->job, FAKE_BYTES_MAX);
    json_decref(spec);
    return box;
}

static char *with_head(int status, char *body)
{
    size_t room = strlen(body) + 200;
    char *answer = malloc(room);

    assert_non_null(answer);
    if (status == 204)
        snprintf(answer, room, "HTTP/1.1 204 No Content\r\n\r\n");
    else
        snprintf(answer, room, "HTTP/1.1 %d Said\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 status, strlen(body), body);
    free(body);
    return answer;
}

static char *list_boxes(const struct sim *sim)
{
    json_t *list = json_array();

    for (size_t i = 0; i < sim->boxes_len; i++)
        if (!sim->boxes[i].removed)
            json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:O}", "Id", sim->boxes[i].id, "State",
                                                  sim->boxes[i].started ? "running" : "created", "Created",
                                                  (json_int_t)time(NULL), "Labels", sim->boxes[i].labels));
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

static char *printed(const char *format, const char *text)
{
    char *out = NULL;

    assert_true(asprintf(&out, format, text) >= 0);
    return out;
}

/* What a good engine answers; what it does is done by then. */
static char *good_answer(struct sim *sim, enum sim_op op, const struct sim_box *box)
{
    switch (op) {
    case SIM_LIST:
        return with_head(200, list_boxes(sim));
    case SIM_VOLUMES:
        return with_head(200, printed("{\"Volumes\":%s}", sim->volumes != NULL ? sim->volumes : "[]"));
    case SIM_CREATE:
        return with_head(201, printed("{\"Id\":\"%s\",\"Warnings\":[]}", box->id));
    case SIM_ATTACH:
        return strdup(UPGRADED);
    case SIM_INSPECT:
        return with_head(
            200, printed("{\"State\":{\"Status\":\"exited\",\"OOMKilled\":%s}}", sim->oom_killed ? "true" : "false"));
    case SIM_IMAGE:
        return with_head(200, strdup(sim->image != NULL ? sim->image : "{\"Id\":\"sha256:1\",\"Config\":{}}"));
    case SIM_INFO:
        return with_head(
            200, strdup(sim->info != NULL ? sim->info : "{\"Runtimes\":{\"runc\":{}},\"DefaultRuntime\":\"runc\"}"));
    case SIM_VOLUME:
        return with_head(201, strdup("{}"));
    case SIM_UPDATE:
    case SIM_ARCHIVE:
        return with_head(200, strdup("{}"));
    default:
        return with_head(204, strdup(""));
    }
}

static void carry_out(struct sim *sim, enum sim_op op, struct sim_box *box, struct fake_client *client)
{
    if (op == SIM_ATTACH)
        box->client = client;
    if (op == SIM_START)
        box->started = true;
    if (op == SIM_START && !sim->mute)
        sim_ready(sim, box);
    if (op == SIM_REMOVE) {
        box->removed = true;
        sim_die(box);
    }
}

static void answer_badly(struct sim *sim, enum sim_op op, struct fake_client *client)
{
    const struct sim_rule *rule = &sim->rules[op];
    char *answer = rule->status != 0 ? with_head(rule->status, strdup("{\"message\":\"scripted\"}")) : NULL;
    const char *text = answer != NULL ? answer : rule->raw;
    bool hang_up = rule->hang_up;

    if (text != NULL)
        fake_reply(client, text, strlen(text), false);
    free(answer);
    if (hang_up)
        fake_drop(client);
}

/* That the engine lacks an image is as if it were scripted for the questions about it. */
static void script_absence(struct sim *sim, enum sim_op op, const char *line)
{
    if (op == SIM_IMAGE && sim->absent != NULL && strstr(line, sim->absent) != NULL)
        sim_script(sim, SIM_IMAGE, (struct sim_rule){.times = 1, .status = 404});
}

static void on_request(struct fake *fake, struct fake_client *client, const char *line, const char *body)
{
    struct sim *sim = (struct sim *)fake;
    enum sim_op op = operation_of(line);
    struct sim_box *box = op == SIM_CREATE ? NULL : box_named(sim, line);
    script_absence(sim, op, line);
    bool bad = sim->rules[op].times > 0;

    sim->counts[op]++;
    free(sim->last_body[op]);
    sim->last_body[op] = strdup(body);
    if (op == SIM_CREATE && (!bad || sim->rules[op].carried_out))
        box = box_make(sim, line, body);
    if ((box != NULL && !box->filler) || (op == SIM_CREATE && bad))
        buf_printf(&sim->trace, "%s ", sim_operations[op].word);
    if (bad) {
        sim->rules[op].times--;
        if (sim->rules[op].carried_out && box != NULL)
            carry_out(sim, op, box, client);
        answer_badly(sim, op, client);
        return;
    }
    if (strstr(line, "/containers/box") != NULL && (box == NULL || box->removed)) {
        char *gone = with_head(404, strdup("{\"message\":\"No such container\"}"));
        fake_reply(client, gone, strlen(gone), false);
        free(gone);
        return;
    }
    char *answer = good_answer(sim, op, box);
    if (sim->held[op]) {
        assert_true(sim->waiting_len < SIM_HELD_MAX);
        sim->waiting[sim->waiting_len].op = op;
        sim->waiting[sim->waiting_len].client = client;
        sim->waiting[sim->waiting_len].box = box;
        sim->waiting[sim->waiting_len++].answer = answer;
        if (op == SIM_START)
            box->started = true;
        return;
    }
    fake_reply(client, answer, strlen(answer), op == SIM_ATTACH);
    free(answer);
    if (box != NULL)
        carry_out(sim, op, box, client);
}

void sim_release(struct sim *sim, enum sim_op op)
{
    size_t kept = 0;

    sim->held[op] = false;
    for (size_t i = 0; i < sim->waiting_len; i++) {
        if (sim->waiting[i].op != op) {
            sim->waiting[kept++] = sim->waiting[i];
            continue;
        }
        struct sim_box *box = sim->waiting[i].box;
        char *answer = sim->waiting[i].answer;
        if (sim->waiting[i].client != NULL) {
            fake_reply(sim->waiting[i].client, answer, strlen(answer), op == SIM_ATTACH);
            if (box != NULL)
                carry_out(sim, op, box, sim->waiting[i].client);
        }
        free(answer);
    }
    sim->waiting_len = kept;
}

static void on_left(struct fake *fake, struct fake_client *client)
{
    struct sim *sim = (struct sim *)fake;

    for (size_t i = 0; i < sim->waiting_len; i++)
        if (sim->waiting[i].client == client)
            sim->waiting[i].client = NULL;
    for (size_t i = 0; i < sim->boxes_len; i++)
        if (sim->boxes[i].client == client)
            sim->boxes[i].client = NULL;
}

/* The agent. */

static void write_strings(struct buf *out, const char *data, size_t len)
{
    for (const char *at = data; at < data + len; at += strlen(at) + 1)
        buf_printf(out, " %s", at);
}

static void note_file(struct buf *out, const struct frame *frame)
{
    struct frame_file file;

    assert_true(frame_file_get(frame, &file));
    buf_printf(out, "FILE %o %.*s", file.mode, (int)file.path_len, file.path);
}

static void note_step(struct buf *out, const struct frame *frame)
{
    struct frame_step_spec spec;
    const char *argv;
    size_t len;

    assert_true(frame_step_get(frame, &spec, &argv, &len));
    buf_printf(out, "STEP%u %llu %llu %lluM", frame->step, (unsigned long long)spec.timeout_ms,
               (unsigned long long)spec.output_max, (unsigned long long)spec.memory_bytes >> 20);
    if (spec.kernel || spec.changes)
        buf_printf(out, "%s%s", spec.kernel ? " kernel" : "", spec.changes ? " changes" : "");
    write_strings(out, argv, len);
}

/* One frame as a line: what a job is, to be read. */
static void note_frame(struct buf *out, const struct frame *frame)
{
    const char *text = (const char *)frame->payload;

    switch (frame->type) {
    case FRAME_ENV:
        buf_printf(out, "ENV %.*s", (int)frame->length, text);
        break;
    case FRAME_FILE:
        note_file(out, frame);
        break;
    case FRAME_STEP:
        note_step(out, frame);
        break;
    case FRAME_FILE_DATA:
    case FRAME_STDIN:
    case FRAME_CODE:
        buf_puts(out, frame->type == FRAME_STDIN ? "STDIN " : frame->type == FRAME_CODE ? "CODE " : "DATA ");
        if (frame->length > 64)
            buf_printf(out, "(%u)", frame->length);
        else
            buf_append(out, text, frame->length);
        break;
    case FRAME_START:
        buf_puts(out, "START");
        break;
    case FRAME_STDIN_END:
        buf_puts(out, "STDIN_END");
        break;
    case FRAME_SIGNAL:
        buf_printf(out, "SIGNAL %u", frame->payload[0]);
        break;
    case FRAME_RESIZE:
        buf_printf(out, "RESIZE %u %u", frame->payload[0], frame->payload[4]);
        break;
    case FRAME_PREPARE:
        buf_puts(out, "PREPARE");
        break;
    case FRAME_KERNEL_END:
        buf_puts(out, "KERNEL_END");
        break;
    case FRAME_RESET:
        buf_puts(out, "RESET");
        break;
    default:
        fail_msg("no frame for an agent: %u", frame->type);
    }
    buf_puts(out, "\n");
}

static void on_prepare(struct sim *sim, struct sim_box *box)
{
    assert_false(box->prepared || box->busy); /* before a job, once */
    box->prepared = true;
    buf_puts(&sim->trace, "prepare ");
    if (sim->on_prepare == SIM_GOOD || sim->on_prepare == SIM_BAD)
        sim_prepared(sim, box, sim->on_prepare == SIM_GOOD, sim->held_bytes);
    else if (sim->on_prepare == SIM_DEATH)
        sim_die(box);
}

static void on_start(struct sim *sim, struct sim_box *box)
{
    assert_true(box->done || !box->busy); /* a job may follow another */
    box->busy = true;
    box->done = false;
    box->jobs++;
    if (sim->program != NULL)
        sim->program(sim, box);
}

static void on_reset(struct sim *sim, struct sim_box *box)
{
    assert_true(box->done || !box->busy);
    box->prepared = box->busy = box->done = false;
    box->resets++;
    buf_puts(&sim->trace, "reset ");
    if (sim->on_reset == SIM_GOOD)
        sim_ready(sim, box);
    else if (sim->on_reset == SIM_BAD)
        sim_no_capsule(sim, box, FRAME_STAGE_PROC, EPERM);
    else if (sim->on_reset == SIM_DEATH)
        sim_die(box);
}

static void on_open(struct sim_box *box, const struct frame *frame)
{
    struct frame_open open;

    assert_true(frame_open_get(frame, &open));
    assert_int_equal(open.number, box->number);
    assert_int_equal(box->tmp_bytes, 0); /* once */
    box->tmp_bytes = open.tmp_bytes;
}

static void act_on(struct sim *sim, struct sim_box *box, const struct frame *frame)
{
    if (frame->type == FRAME_OPEN)
        on_open(box, frame);
    else
        assert_int_not_equal(box->tmp_bytes, 0);
    if (frame->type == FRAME_PREPARE)
        on_prepare(sim, box);
    else if (frame->type == FRAME_START)
        on_start(sim, box);
    else if (frame->type == FRAME_RESET)
        on_reset(sim, box);
}

static struct sim_box *box_of(struct sim *sim, const struct fake_client *client)
{
    for (size_t i = 0; i < sim->boxes_len; i++)
        if (sim->boxes[i].client == client)
            return &sim->boxes[i];
    return NULL;
}

static void on_heard(struct fake *fake, struct fake_client *client, const void *data, size_t len)
{
    struct sim *sim = (struct sim *)fake;
    struct sim_box *box = box_of(sim, client);
    struct frame frame;
    size_t taken = 0;
    long n;

    assert_non_null(box);
    buf_append(&box->heard, data, len);
    while ((n = frame_read((const uint8_t *)box->heard.data + taken, box->heard.len - taken, &frame)) > 0) {
        if (frame.type != FRAME_OPEN)
            note_frame(&box->job, &frame);
        act_on(sim, box, &frame);
        taken += (size_t)n;
    }
    assert_int_equal(n, 0);
    buf_consume(&box->heard, taken);
}

void sim_say_on(struct sim *sim, struct sim_box *box, enum sim_stream stream, const char *data, size_t len)
{
    size_t piece = sim->piece != 0 ? sim->piece : len;
    struct buf out;

    buf_init(&out, FAKE_BYTES_MAX);
    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        char head[8] = {(char)stream, 0, 0, 0, (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};
        buf_append(&out, head, sizeof head);
        buf_append(&out, data + at, n);
    }
    if (box->client != NULL)
        fake_reply(box->client, out.data, out.len, false);
    buf_free(&out);
}

void sim_say(struct sim *sim, struct sim_box *box, const char *data, size_t len)
{
    sim_say_on(sim, box, SIM_STDOUT, data, len);
}

static void sim_frame_on(struct sim *sim, struct sim_box *box, enum sim_stream stream, const struct frame *frame)
{
    uint8_t head[FRAME_HEADER];
    struct buf out;

    frame_header(head, frame->type, frame->step, frame->channel, frame->length);
    buf_init(&out, FAKE_BYTES_MAX);
    buf_append(&out, head, sizeof head);
    buf_append(&out, frame->payload, frame->length);
    sim_say_on(sim, box, stream, out.data, out.len);
    buf_free(&out);
}

void sim_frame(struct sim *sim, struct sim_box *box, int type, int step, int channel, const void *data, size_t len)
{
    sim_frame_on(sim, box, SIM_STDOUT,
                 &(struct frame){(uint8_t)type, (uint8_t)step, (uint8_t)channel, (uint32_t)len, data});
}

void sim_ready_on(struct sim *sim, struct sim_box *box, enum sim_stream stream, const struct frame_ready *ready)
{
    uint8_t payload[FRAME_READY_SIZE];

    frame_ready_put(payload, ready);
    sim_frame_on(sim, box, stream, &(struct frame){FRAME_READY, 0, 0, sizeof payload, payload});
}

/* Numbers that grow are as good as random ones here. */
void sim_ready(struct sim *sim, struct sim_box *box)
{
    static uint64_t numbers = UINT64_C(0x1122334455667788);
    const struct frame_ready ready = {FRAME_VERSION, ++numbers, sim->ready_bytes};

    box->number = numbers;
    box->tmp_bytes = 0;
    sim_ready_on(sim, box, SIM_STDOUT, &ready);
    sim_ready_on(sim, box, SIM_STDERR, &ready);
}

void sim_no_capsule(struct sim *sim, struct sim_box *box, uint32_t stage, int error)
{
    uint8_t payload[FRAME_FAILED_SIZE];

    frame_failed_put(payload, &(struct frame_failed){FRAME_FAIL_CAPSULE, (uint32_t)error, stage});
    sim_frame_on(sim, box, SIM_STDERR, &(struct frame){FRAME_FAILED, 0, 0, sizeof payload, payload});
}

void sim_prepared(struct sim *sim, struct sim_box *box, bool held, uint64_t bytes)
{
    uint8_t data[FRAME_PREPARED_SIZE];

    frame_prepared_put(data, &(struct frame_prepared){.held = held, .bytes = held ? bytes : 0});
    sim_frame(sim, box, FRAME_PREPARED, 0, 0, data, sizeof data);
}

void sim_output(struct sim *sim, struct sim_box *box, int step, int channel, const char *text)
{
    sim_frame(sim, box, FRAME_OUTPUT, step, channel, text, strlen(text));
}

void sim_end(struct sim *sim, struct sim_box *box, int step, struct frame_step_end end)
{
    uint8_t data[FRAME_STEP_END_SIZE];

    frame_step_end_put(data, &end);
    sim_frame(sim, box, FRAME_STEP_END, step, 0, data, sizeof data);
}

void sim_done(struct sim *sim, struct sim_box *box)
{
    sim_done_with(sim, box, &(struct frame_done){.kernel = false, .changed = true});
}

void sim_done_with(struct sim *sim, struct sim_box *box, const struct frame_done *done)
{
    uint8_t data[FRAME_DONE_SIZE];

    frame_done_put(data, done);
    box->done = true;
    sim_frame(sim, box, FRAME_DONE, 0, 0, data, sizeof data);
}

void sim_failed(struct sim *sim, struct sim_box *box, enum frame_failure failure)
{
    uint8_t data[FRAME_FAILED_SIZE];

    frame_failed_put(data, &(struct frame_failed){.failure = failure});
    sim_frame(sim, box, FRAME_FAILED, 0, 0, data, sizeof data);
}

void sim_die(struct sim_box *box)
{
    if (box->client != NULL)
        fake_drop(box->client);
}

void sim_hello(struct sim *sim, struct sim_box *box)
{
    sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDOUT, "hello\n");
    sim_end(sim, box, FRAME_STEP_RUN,
            (struct frame_step_end){.wall_ns = 17000000, .cpu_ns = 5000000, .peak_bytes = 3 << 20});
    sim_done(sim, box);
}

/* The stage. */

void sim_script(struct sim *sim, enum sim_op op, struct sim_rule rule)
{
    sim->rules[op] = rule;
}

void sim_hold(struct sim *sim, enum sim_op op)
{
    sim->held[op] = true;
}

struct sim_box *sim_last(struct sim *sim)
{
    for (size_t i = sim->boxes_len; i > 0; i--)
        if (!sim->boxes[i - 1].filler)
            return &sim->boxes[i - 1];
    return NULL;
}

void sim_add_box(struct sim *sim, const char *name, const char *instance)
{
    char line[128], body[200];

    snprintf(line, sizeof line, "POST /containers/create?name=%s HTTP/1.1", name);
    snprintf(body, sizeof body, "{\"Labels\":{\"%s\":\"%s\",\"%s\":\"cell\",\"%s\":\"%s\"}}", LABEL_INSTANCE, instance,
             LABEL_ROLE, LABEL_NAME, name);
    box_make(sim, line, body)->started = true;
}

unsigned sim_alive(const struct sim *sim)
{
    unsigned alive = 0;

    for (size_t i = 0; i < sim->boxes_len; i++)
        alive += !sim->boxes[i].removed;
    return alive;
}

static void on_engine_change(void *arg, bool up)
{
    struct sim *sim = arg;

    sim->up = up;
    if (sim->on_engine != NULL)
        sim->on_engine(sim->arg, up);
}

static void on_engine_closed(void *arg)
{
    ((struct sim *)arg)->closed = true;
}

void sim_go_away(struct sim *sim)
{
    for (size_t i = 0; i < sim->boxes_len; i++)
        sim->boxes[i].removed = true;
    fake_stop(&sim->fake);
}

void sim_come_back(struct sim *sim)
{
    fake_restart(&sim->fake);
}

void sim_open(struct sim *sim)
{
    static const struct fake_script script = {on_request, on_heard, on_left};
    struct error error = {0};

    memset(sim, 0, sizeof *sim);
    log_setup(LOG_ERROR + 1, LOG_TEXT, 2);
    assert_int_equal(uv_loop_init(&sim->loop), 0);
    fake_open(&sim->fake, &sim->loop);
    sim->fake.script = &script;
    buf_init(&sim->trace, FAKE_BYTES_MAX);
    buf_puts(&sim->trace, "");
    const struct engine_options options = {.host = sim->fake.host, .on_change = on_engine_change, .arg = sim};
    assert_int_equal(engine_open(&sim->engine, &sim->loop, &options, &error), 0);
    sim_until(sim, sim->up);
}

void sim_close(struct sim *sim)
{
    engine_close(sim->engine, on_engine_closed, sim);
    sim_until(sim, sim->closed);
    fake_close(&sim->fake);
    sim_idle(sim);
    for (size_t i = 0; i < sim->waiting_len; i++)
        free(sim->waiting[i].answer);
    for (size_t i = 0; i < sim->boxes_len; i++) {
        json_decref(sim->boxes[i].labels);
        buf_free(&sim->boxes[i].heard);
        buf_free(&sim->boxes[i].job);
    }
    for (int op = 0; op < SIM_OPS; op++)
        free(sim->last_body[op]);
    buf_free(&sim->trace);
    assert_int_equal(uv_loop_close(&sim->loop), 0);
    metrics_reset();
}
