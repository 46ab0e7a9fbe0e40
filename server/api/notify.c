/* One try: notify_wake -> look_work: a row that is due, leased, and its text -> webhook_post -> on_told -> tell_work.
 */
#include "api/notify.h"

#include "api/accepted.h"
#include "api/api.h"
#include "base/container_of.h"
#include "base/list.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/seam.h"
#include "run/webhook.h"
#include "run/webhook_policy.h"
#include "run/webhook_turns.h"

#include <stdlib.h>
#include <string.h>

#define LEASE_MS (WEBHOOK_SECONDS * 1000 + 5000)
#define PAUSE_MS 1000       /* after the database has failed */
#define SLEEP_MOST_MS 60000 /* clocks jump */

struct notify {
    struct api *api;
    struct webhook_client *client;
    uv_timer_t timer;
    struct list tries;
    struct webhook_turns turns;
    bool looks, again, closing;

    /* What look_work() has to go by, and what it finds. */
    struct store_job looking;
    struct webhook_turns seen; /* the turns at that time */
    int64_t after;             /* the key that was served last */
    bool found;
    int64_t next_ms; /* when the next one is due; 0: none */
    struct webhook_row row;
    struct buf text;
};

struct
try {
    struct list node;
    struct notify *notify;
    struct webhook_row row;
    struct webhook_call *call;
    struct store_job job;
    char why[WEBHOOK_ERROR_MAX + 1]; /* "": it was told */
    int64_t next_ms;
};

static void notify_look(struct notify *notify);

static void on_due(uv_timer_t *timer)
{
    notify_wake(timer->data);
}

static void sleep_for(struct notify *notify, int64_t ms)
{
    uint64_t wait = ms < 0 ? 0 : ms < SLEEP_MOST_MS ? (uint64_t)ms : SLEEP_MOST_MS;

    if (!notify->closing)
        uv_timer_start(&notify->timer, on_due, wait, 0);
}

/* How a try went. */

static void try_free(struct try *try)
{
    webhook_row_clear(&try->row);
    free(try);
}

static int tell_work(struct db *db, struct store_job *job, struct error *error)
{
    const struct try *try = container_of(job, struct try, job);

    return *try->why == '\0' ? webhooks_delivered(db, try->row.id, error)
                             : webhooks_failed(db, try->row.id, try->why, try->next_ms, error);
}

/* If it could not be written, the lease ends, and it is tried again. */
static void tell_done(struct store_job *job, const struct error *error)
{
    struct try *try = container_of(job, struct try, job);
    struct notify *notify = try->notify;

    if (error != NULL)
        log_event(LOG_ERROR, "journal.failed", LOG_STR("id", try->row.id), LOG_STR("reason", error->text));
    webhook_turns_end(&notify->turns, try->row.key_row);
    try_free(try);
    notify_wake(notify);
}

static void count_try(const struct try *try)
{
    struct metric_family *family = metric_family("codecell_webhook_tries_total", "Tries to tell a webhook, by outcome.",
                                                 METRIC_COUNTER, (const char *const[4]){"outcome"}, NULL);

    metric_add(metric_series(family, (const char *const[4]){*try->why == '\0' ? "delivered" : "failed"}), 1);
}

static void log_try(const struct try *try)
{
    if (*try->why == '\0')
        log_event(LOG_INFO, "webhook.delivered", LOG_STR("id", try->row.id), LOG_INT("attempt", try->row.attempts + 1));
    else
        log_event(LOG_WARN, "webhook.failed", LOG_STR("id", try->row.id), LOG_INT("attempt", try->row.attempts + 1),
                  LOG_STR("reason", try->why), LOG_STR("then", try->next_ms != 0 ? "tried again" : "given up"));
}

static void on_told(void *arg, const char *why)
{
    struct try *try = arg;
    int64_t pause = webhook_pause_ms(try->row.attempts + 1);

    try->call = NULL;
    list_remove(&try->node);
    text_copy(try->why, sizeof try->why, why != NULL ? why : "");
    try->next_ms = pause != 0 ? seam_wall_ms() + pause : 0;
    count_try(try);
    log_try(try);
    try->job = (struct store_job){.work = tell_work, .done = tell_done};
    store_submit(try->notify->api->store, &try->job);
}

/* Takes the row and the text that were found. */
static void try_begin(struct notify *notify)
{
    struct try *try = calloc(1, sizeof *try);
    size_t len = 0;
    char *text = buf_detach(&notify->text, &len);

    if (try == NULL || text == NULL) { /* the lease ends, and it is tried again */
        free(try);
        free(text);
        webhook_row_clear(&notify->row);
        return;
    }
    try->notify = notify;
    try->row = notify->row;
    notify->row = (struct webhook_row){.key_row = 0};
    try->call = webhook_post(notify->client, &try->row, text, len, on_told, try);
    if (try->call == NULL) {
        try_free(try);
        return;
    }
    webhook_turns_begin(&notify->turns, try->row.key_row);
    list_push(&notify->tries, &try->node);
}

/* Looking for one that is due. */

/* The execution as clients see it. ERROR_NOT_FOUND: it was removed. */
static int make_text(struct db *db, struct notify *notify, struct error *error)
{
    struct journal_view view;

    if (journal_get(db, notify->row.key_row, notify->row.id, &view, error) != 0)
        return -1;
    buf_init(&notify->text, PTRDIFF_MAX); /* its result is in memory already */
    int result = accepted_text(&notify->text, &view, RECORD_RUNNING, NULL);
    journal_view_clear(&view);
    return result == 0 ? 0 : error_memory(error);
}

/* From the key after `from` on, up to `last`. 1: one was taken; 0, or -1. */
static int look_at_keys(struct db *db, struct notify *notify, int64_t from, int64_t last, struct error *error)
{
    int64_t now_ms = seam_wall_ms(), key_row = from, next_ms;
    int found;

    while ((found = webhooks_next_key(db, key_row, &key_row, &next_ms, error)) == 1 && key_row <= last) {
        if (next_ms > now_ms && (notify->next_ms == 0 || next_ms < notify->next_ms))
            notify->next_ms = next_ms;
        if (next_ms <= now_ms && webhook_turns_may(&notify->seen, key_row)) {
            notify->after = key_row;
            return webhooks_take(db, key_row, now_ms + LEASE_MS, &notify->row, error);
        }
    }
    return found < 0 ? -1 : 0;
}

/* 1, with a row; 0, or -1. The keys take turns. */
static int look_for_one(struct db *db, struct notify *notify, struct error *error)
{
    int64_t after = notify->after;
    int found = look_at_keys(db, notify, after, INT64_MAX, error);

    return found != 0 ? found : look_at_keys(db, notify, 0, after, error);
}

static int look_work(struct db *db, struct store_job *job, struct error *error)
{
    struct notify *notify = container_of(job, struct notify, looking);
    int found, made = -1;

    while ((found = look_for_one(db, notify, error)) == 1 && (made = make_text(db, notify, error)) != 0) {
        bool removed = error->code == ERROR_NOT_FOUND &&
                       webhooks_failed(db, notify->row.id, "its execution was removed", 0, error) == 0;
        webhook_row_clear(&notify->row);
        buf_free(&notify->text);
        if (!removed)
            return -1;
    }
    notify->found = found == 1 && made == 0;
    return found < 0 ? -1 : 0;
}

static void look_done(struct store_job *job, const struct error *error)
{
    struct notify *notify = container_of(job, struct notify, looking);
    bool again = notify->again;

    notify->looks = notify->again = false;
    if (error != NULL) {
        log_event(LOG_ERROR, "journal.failed", LOG_STR("reason", error->text));
        sleep_for(notify, PAUSE_MS);
        return;
    }
    if (notify->found && !notify->closing) {
        try_begin(notify);
        again = true;
    } else if (notify->found) {
        webhook_row_clear(&notify->row);
        buf_free(&notify->text);
    }
    if (again)
        notify_look(notify);
    else if (notify->next_ms != 0)
        sleep_for(notify, notify->next_ms - seam_wall_ms());
}

static void notify_look(struct notify *notify)
{
    if (notify->closing || webhook_turns_full(&notify->turns)) /* the end of a try looks again */
        return;
    notify->looks = true;
    notify->next_ms = 0;
    notify->seen = notify->turns;
    notify->looking = (struct store_job){.work = look_work, .done = look_done};
    store_submit(notify->api->store, &notify->looking);
}

void notify_wake(struct notify *notify)
{
    if (notify->looks)
        notify->again = true;
    else
        notify_look(notify);
}

/* Its own life. */

int notify_open(struct notify **out, uv_loop_t *loop, struct api *api, const struct ip_nets *allowed)
{
    struct notify *notify = calloc(1, sizeof *notify);
    struct webhook_client *client = notify != NULL ? webhook_client_open(loop, allowed) : NULL;

    if (client == NULL) {
        free(notify);
        return -1;
    }
    notify->api = api;
    notify->client = client;
    list_init(&notify->tries);
    uv_timer_init(loop, &notify->timer);
    notify->timer.data = notify;
    *out = notify;
    return 0;
}

void notify_close(struct notify *notify)
{
    notify->closing = true;
    LIST_EACH (node, &notify->tries) {
        struct try *try = container_of(node, struct try, node);
        webhook_cancel(try->call);
        list_remove(node);
        try_free(try);
    }
    uv_close((uv_handle_t *)&notify->timer, NULL);
    webhook_client_close(notify->client);
}

void notify_free(struct notify *notify)
{
    free(notify);
}
