/* One execution's way: background_go -> take_work -> entry_read -> run_start -> entry_on_result -> entry_encode ->
 * entry_record -> entry_on_done -> entry_over. The ways that differ from it end in entry_put_back() or entry_fail(),
 * with a job of the database. */
#include "api/background.h"

#include "api/accepted.h"
#include "api/api.h"
#include "api/execute_answer.h"
#include "api/notify.h"
#include "api/run.h"
#include "api/work.h"
#include "base/container_of.h"
#include "base/log.h"
#include "base/seam.h"
#include "base/states.h"
#include "run/backlog.h"
#include "run/request_codec.h"

#include <stdlib.h>
#include <string.h>

#define PAUSE_MS 1000u /* before something that could not be done is tried again */

enum entry_state {
    ENTRY_TAKING,  /* the database looks for it */
    ENTRY_READING, /* its request becomes one again */
    ENTRY_RUNNING, /* it has a run */
    ENTRY_ENDING,  /* the database writes its end, or that it is put back */
    ENTRY_FAILED,  /* the database could not write that; it is tried again */
    ENTRY_OVER,
    ENTRY_STATES
};

static const struct states entry_states = {
    .subject = "accepted execution",
    .names = (const char *const[]){"taking", "reading", "running", "ending", "failed", "over"},
    .next = (const uint32_t[]){[ENTRY_TAKING] = STATE(ENTRY_READING) | STATE(ENTRY_OVER),
                               [ENTRY_READING] = STATE(ENTRY_RUNNING) | STATE(ENTRY_ENDING),
                               [ENTRY_RUNNING] = STATE(ENTRY_ENDING) | STATE(ENTRY_FAILED) | STATE(ENTRY_OVER),
                               [ENTRY_ENDING] = STATE(ENTRY_FAILED) | STATE(ENTRY_OVER),
                               [ENTRY_FAILED] = STATE(ENTRY_ENDING) | STATE(ENTRY_OVER),
                               [ENTRY_OVER] = 0},
    .count = ENTRY_STATES,
};

struct background {
    struct api *api;
    uv_loop_t *loop;
    struct background_options options;
    struct backlog backlog;
    struct list entries, waiters;
    unsigned in_hand;
    struct notify *notify;
    uv_timer_t timer;
    bool draining, closing;
    bool paused; /* until the timer fires */

    /* What earlier runs have left. */
    struct store_job recovering;
    bool recovers, recovered;
    long left;
    int64_t *keys; /* that have executions that wait */
    size_t keys_len;
};

struct entry {
    struct background *background;
    struct list node;
    enum entry_state state;
    struct store_job job;
    struct journal_taken taken;
    bool found; /* the key had one */
    struct execution_request request;
    struct run *run; /* NULL: not begun, or over */
    struct execution *execution;
    struct execute_answer answer;
    struct work work;
    int failed;
    bool puts_back; /* instead of an end */
    struct error error;
};

static void background_go(struct background *background);

static void entry_set_state(struct entry *entry, enum entry_state state)
{
    states_move(&entry_states, entry->state, state, entry->found ? entry->taken.id : "new");
    entry->state = state;
}

static void pause_for(struct background *background);

/* Those who wait. */

void background_wait(struct background *background, struct background_waiter *waiter)
{
    list_push(&background->waiters, &waiter->node);
}

void background_unwait(struct background_waiter *waiter)
{
    list_forget(&waiter->node);
}

/* `id` NULL: all. A waiter may free itself, and no other. */
static void wake_waiters(struct background *background, const char *id)
{
    LIST_EACH (node, &background->waiters) {
        struct background_waiter *waiter = container_of(node, struct background_waiter, node);
        if (id != NULL && strcasecmp(waiter->id, id) != 0)
            continue;
        list_remove(node);
        waiter->wake(waiter);
    }
}

void background_ended(struct background *background, const char *id)
{
    wake_waiters(background, id);
    notify_wake(background->notify);
}

/* The end of an entry. */

static void entry_free(struct entry *entry)
{
    request_free(&entry->request);
    free(entry->answer.text);
    execute_answer_free(&entry->answer);
    free(entry->taken.request);
    free(entry);
}

static void entry_over(struct entry *entry)
{
    struct background *background = entry->background;

    entry_set_state(entry, ENTRY_OVER);
    list_remove(&entry->node);
    backlog_leave(&background->backlog, entry->taken.key_row, !entry->found);
    background->in_hand--;
    if (entry->found && !entry->puts_back)
        background_ended(background, entry->taken.id);
    else if (entry->found)
        pause_for(background);
    entry_free(entry);
    background_go(background);
}

/* The program runs once more. After the server has been killed here, the row is taken up by the next start. */
static void entry_failed(struct entry *entry, const char *reason)
{
    log_event(LOG_ERROR, "journal.failed", LOG_STR("id", entry->taken.id), LOG_STR("reason", reason));
    entry->puts_back = true;
    entry_set_state(entry, ENTRY_FAILED);
    pause_for(entry->background);
}

static void ending_done(struct store_job *job, const struct error *error)
{
    struct entry *entry = container_of(job, struct entry, job);

    if (error == NULL)
        entry_over(entry);
    else
        entry_failed(entry, error->text);
}

static int put_back_work(struct db *db, struct store_job *job, struct error *error)
{
    const struct entry *entry = container_of(job, struct entry, job);

    return journal_put_back(db, entry->taken.id, entry->taken.reservation, error);
}

static void entry_put_back(struct entry *entry)
{
    entry->puts_back = true;
    entry_set_state(entry, ENTRY_ENDING);
    entry->job = (struct store_job){.work = put_back_work, .done = ending_done};
    store_submit(entry->background->api->store, &entry->job);
}

static int fail_work(struct db *db, struct store_job *job, struct error *error)
{
    const struct entry *entry = container_of(job, struct entry, job);

    return journal_fail(db, &entry->taken, RECORD_FAILED, entry->answer.text, entry->answer.len,
                        &entry->background->options.room, seam_wall_ms(), error);
}

/* It can never run: for example, its language is not offered any more. */
static void entry_fail(struct entry *entry, const char *sentence)
{
    entry->answer.text = accepted_refusal(sentence, &entry->answer.len);
    if (entry->answer.text == NULL) {
        entry_put_back(entry);
        return;
    }
    entry_set_state(entry, ENTRY_ENDING);
    entry->job = (struct store_job){.work = fail_work, .done = ending_done};
    store_submit(entry->background->api->store, &entry->job);
}

/* The run. */

static void entry_encode(struct work *work)
{
    struct entry *entry = container_of(work, struct entry, work);

    entry->failed = execute_answer_encode(&entry->answer);
}

static void entry_encoded(struct work *work)
{
    struct entry *entry = container_of(work, struct entry, work);

    execute_answer_return(&entry->answer);
    entry->puts_back = entry->failed != 0; /* out of memory */
    execution_record(entry->execution);
}

/* The attempt counts from its start on. Nothing waits for that to be written. */

struct started {
    struct store_job job; /* the store frees it */
    char id[UUID_LEN + 1];
    int64_t at_ms;
};

static int start_work(struct db *db, struct store_job *job, struct error *error)
{
    const struct started *started = container_of(job, struct started, job);

    return journal_start(db, started->id, started->at_ms, error);
}

static void entry_on_start(void *arg, struct execution *execution)
{
    const struct entry *entry = arg;
    struct started *started = calloc(1, sizeof *started);

    (void)execution;
    if (started == NULL)
        return; /* this attempt does not count */
    started->job.work = start_work;
    started->at_ms = seam_wall_ms();
    text_copy(started->id, sizeof started->id, entry->taken.id);
    store_submit(entry->background->api->store, &started->job);
}

/* A program that could not run now has no result, and runs later. */
static void entry_on_result(void *arg, struct execution *execution)
{
    struct entry *entry = arg;

    entry->execution = execution;
    if (execution_result(execution)->unavailable) {
        entry->puts_back = true;
        execution_record(execution);
        return;
    }
    execute_answer_borrow(&entry->answer, execution);
    entry->work = (struct work){.run = entry_encode, .done = entry_encoded};
    work_start(&entry->work, entry->background->loop, execute_answer_size(&entry->answer));
}

/* On the database's thread. */
static int entry_record(void *arg, struct db *db, const struct record *record, struct error *error)
{
    const struct entry *entry = arg;
    struct record settled = *record;

    if (entry->puts_back)
        return journal_put_back(db, entry->taken.id, entry->taken.reservation, error);
    settled.reservation = entry->taken.reservation;
    return journal_finish(db, &settled, entry->answer.text, entry->answer.len, &entry->background->options.room,
                          seam_wall_ms(), error);
}

static void entry_on_done(void *arg, struct execution *execution)
{
    struct entry *entry = arg;

    if (execution_result(execution)->unrecorded)
        entry_failed(entry, "its end could not be written");
    else
        entry_over(entry);
}

static const struct execution_listener entry_listener = {.collects = true,
                                                         .on_start = entry_on_start,
                                                         .on_result = entry_on_result,
                                                         .record = entry_record,
                                                         .on_done = entry_on_done};

static void entry_on_refused(void *arg, enum error_code code, const char *sentence)
{
    struct entry *entry = arg;

    if (error_status(code) == error_status(ERROR_UNAVAILABLE))
        entry_put_back(entry);
    else
        entry_fail(entry, sentence);
}

static void entry_run(struct entry *entry)
{
    const struct run_options options = {.key_row = entry->taken.key_row,
                                        .reuse = entry->request.reuse,
                                        .maxima = &entry->background->api->maxima,
                                        .listener = &entry_listener,
                                        .refused = entry_on_refused,
                                        .arg = entry};

    entry->request.accepted_id = entry->taken.id;
    entry->request.accepted_ms = entry->taken.created_ms;
    entry->request.attempts = entry->taken.attempts;
    entry_set_state(entry, ENTRY_RUNNING);
    run_start(&entry->run, entry->background->api, &entry->request, &options);
}

/* Taking. */

static void entry_read(struct work *work)
{
    struct entry *entry = container_of(work, struct entry, work);

    entry->failed = request_decode(&entry->request, entry->taken.request, entry->taken.request_len, &entry->error);
    free(entry->taken.request);
    entry->taken.request = NULL;
}

static void entry_after_read(struct work *work)
{
    struct entry *entry = container_of(work, struct entry, work);

    if (entry->failed == 0 && !entry->background->draining)
        entry_run(entry);
    else if (entry->failed == 0 || entry->error.code == ERROR_MEMORY)
        entry_put_back(entry);
    else
        entry_fail(entry, entry->error.text);
}

static int take_work(struct db *db, struct store_job *job, struct error *error)
{
    struct entry *entry = container_of(job, struct entry, job);
    int found = journal_take(db, entry->taken.key_row, &entry->taken, error);

    entry->found = found == 1;
    return found < 0 ? -1 : 0;
}

static void take_done(struct store_job *job, const struct error *error)
{
    struct entry *entry = container_of(job, struct entry, job);

    if (error != NULL || !entry->found) {
        bool failed = error != NULL;
        struct background *background = entry->background;
        int64_t key_row = entry->taken.key_row;
        entry->found = false;
        if (failed)
            pause_for(background);
        entry_over(entry);
        if (failed)
            background_added(background, key_row); /* it may have one still */
        return;
    }
    entry_set_state(entry, ENTRY_READING);
    entry->work = (struct work){.run = entry_read, .done = entry_after_read};
    work_start(&entry->work, entry->background->loop, entry->taken.request_len);
}

/* 0, or -1: out of memory. */
static int take_one(struct background *background, int64_t key_row)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (entry == NULL) {
        backlog_leave(&background->backlog, key_row, false);
        return -1;
    }
    entry->background = background;
    entry->taken.key_row = key_row;
    list_push(&background->entries, &entry->node);
    background->in_hand++;
    entry->job = (struct store_job){.work = take_work, .done = take_done};
    store_submit(background->api->store, &entry->job);
    return 0;
}

static bool may_take(const struct background *background)
{
    return background->recovered && !background->draining && !background->paused &&
           background->in_hand < background->options.slots;
}

/* Whether a program could run at all. */
static bool can_run(const struct background *background)
{
    return !store_trouble(background->api->store, NULL) && runner_can_run(background->api->runner);
}

static void background_go(struct background *background)
{
    while (may_take(background) && background->backlog.count > 0) {
        int64_t key_row = can_run(background) ? backlog_next(&background->backlog) : -1;
        if (key_row == 0)
            return;
        if (key_row < 0 || take_one(background, key_row) != 0)
            pause_for(background);
    }
}

void background_added(struct background *background, int64_t key_row)
{
    if (backlog_add(&background->backlog, key_row) != 0) {
        background->recovered = false; /* the timer looks for the keys again */
        pause_for(background);
    }
    background_go(background);
}

void background_release(struct background *background, const char *id)
{
    LIST_EACH (node, &background->entries) {
        struct entry *entry = container_of(node, struct entry, node);
        if (entry->state != ENTRY_RUNNING || entry->run == NULL || run_execution(entry->run) != NULL ||
            strcasecmp(entry->taken.id, id) != 0)
            continue;
        run_leave(entry->run);
        entry_put_back(entry);
        return;
    }
}

/* What earlier runs have left. */

static int gather_keys(struct db *db, struct background *background, struct error *error)
{
    size_t room = 0;
    int64_t key_row = 0;
    int found;

    background->keys_len = 0;
    while ((found = journal_next_key(db, key_row, &key_row, error)) == 1) {
        if (background->keys_len == room) {
            room = room > 0 ? 2 * room : 64;
            int64_t *keys = reallocarray(background->keys, room, sizeof *keys);
            if (keys == NULL)
                return error_memory(error);
            background->keys = keys;
        }
        background->keys[background->keys_len++] = key_row;
    }
    return found;
}

static int recover_work(struct db *db, struct store_job *job, struct error *error)
{
    struct background *background = container_of(job, struct background, recovering);
    long changed = journal_recover(db, ACCEPTED_LOST, &background->options.room, seam_wall_ms(), error);

    if (changed < 0)
        return -1;
    background->left += changed;
    return changed > 0 ? STORE_MORE : gather_keys(db, background, error);
}

static void recover_done(struct store_job *job, const struct error *error)
{
    struct background *background = container_of(job, struct background, recovering);
    int failed = error != NULL;

    background->recovers = false;
    if (failed)
        log_event(LOG_ERROR, "journal.failed", LOG_STR("reason", error->text));
    for (size_t i = 0; !failed && i < background->keys_len; i++)
        failed = backlog_add(&background->backlog, background->keys[i]);
    free(background->keys);
    background->keys = NULL;
    if (failed) {
        pause_for(background);
        return;
    }
    if (background->left > 0)
        log_event(LOG_WARN, "journal.recovered", LOG_INT("executions", background->left));
    background->left = 0;
    background->recovered = true;
    background_go(background);
    notify_wake(background->notify);
}

static void recover(struct background *background)
{
    background->recovers = true;
    background->recovering = (struct store_job){.work = recover_work, .done = recover_done, .upkeep = true};
    store_submit(background->api->store, &background->recovering);
}

/* The timer. */

static void on_timer(uv_timer_t *timer)
{
    struct background *background = timer->data;

    background->paused = false;
    if (store_trouble(background->api->store, NULL)) {
        pause_for(background);
        return;
    }
    LIST_EACH (node, &background->entries) {
        struct entry *entry = container_of(node, struct entry, node);
        if (entry->state == ENTRY_FAILED)
            entry_put_back(entry); /* its end comes later, from the loop */
    }
    if (!background->recovered && !background->recovers)
        recover(background);
    background_go(background);
}

static void pause_for(struct background *background)
{
    background->paused = true;
    if (!background->closing && !uv_is_active((uv_handle_t *)&background->timer))
        uv_timer_start(&background->timer, on_timer, PAUSE_MS, 0);
}

/* Its own life. */

int background_open(struct background **out, uv_loop_t *loop, struct api *api, const struct background_options *options,
                    struct error *error)
{
    struct background *background = calloc(1, sizeof *background);

    if (background == NULL)
        return error_memory(error);
    background->api = api;
    background->loop = loop;
    background->options = *options;
    list_init(&background->entries);
    list_init(&background->waiters);
    if (notify_open(&background->notify, loop, api, options->webhook_allow) != 0) {
        free(background);
        return error_memory(error);
    }
    uv_timer_init(loop, &background->timer);
    background->timer.data = background;
    recover(background);
    *out = background;
    return 0;
}

const struct background_options *background_options(const struct background *background)
{
    return &background->options;
}

void background_drain(struct background *background)
{
    background->draining = true;
    wake_waiters(background, NULL);
}

void background_close(struct background *background)
{
    background->closing = true;
    uv_close((uv_handle_t *)&background->timer, NULL);
    notify_close(background->notify);
}

/* What the closed store could not write is taken up by the next start. */
void background_free(struct background *background)
{
    LIST_EACH (node, &background->entries)
        entry_free(container_of(node, struct entry, node));
    notify_free(background->notify);
    backlog_free(&background->backlog);
    free(background);
}
