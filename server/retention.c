#include "retention.h"

#include "base/container_of.h"
#include "base/log.h"
#include "base/seam.h"
#include "store/credits.h"
#include "store/idempotency.h"
#include "store/records.h"
#include "store/upkeep.h"

/* Settles what an earlier run of this server has left. How many rows it changed; 0: all is settled; or -1. */
static long recover(struct db *db, struct retention *retention, struct error *error)
{
    long lost = records_mark_lost(db, &retention->newest, error);
    long given_back = lost < 0 ? -1 : credits_recover(db, error);
    long forgotten = given_back < 0 ? -1 : idempotency_recover(db, error);

    if (forgotten < 0)
        return -1;
    retention->lost += lost;
    retention->given_back += given_back;
    return lost + given_back + forgotten;
}

/* The first slice runs before all jobs of requests, so that it finds the newest record from before the start. The other
 * slices are upkeep. */
static int recovery_work(struct db *db, struct store_job *job, struct error *error)
{
    struct retention *retention = container_of(job, struct retention, marking);
    long changed = recover(db, retention, error);

    return changed < 0 ? -1 : changed > 0 && job->upkeep ? STORE_MORE : 0;
}

static void on_marked(struct store_job *job, const struct error *error);

static void submit_marking(struct retention *retention, bool upkeep)
{
    retention->marks = true;
    retention->marking = (struct store_job){.work = recovery_work, .done = on_marked, .upkeep = upkeep};
    store_submit(retention->store, &retention->marking);
}

/* After a failure the timer tries again. */
static void on_marked(struct store_job *job, const struct error *error)
{
    struct retention *retention = container_of(job, struct retention, marking);
    bool closing = uv_is_closing((uv_handle_t *)&retention->timer);

    retention->marks = false;
    if (error != NULL) {
        log_event(LOG_ERROR, "records.not_marked", LOG_STR("reason", error->text));
        return;
    }
    if (!job->upkeep && !closing) {
        submit_marking(retention, true);
        return;
    }
    retention->marked = true;
    if (retention->lost > 0)
        log_event(LOG_WARN, "records.lost", LOG_INT("executions", retention->lost));
    if (retention->given_back > 0)
        log_event(LOG_WARN, "credits.given_back", LOG_INT("reservations", retention->given_back));
}

static void on_expired(void *arg)
{
    struct retention *retention = arg;

    retention->expires = false;
}

static void on_retention_timer(uv_timer_t *timer)
{
    struct retention *retention = timer->data;

    if (!retention->marked && !retention->marks)
        submit_marking(retention, retention->newest >= 0);
    if (store_trouble(retention->store, NULL))
        return;
    upkeep_purge(retention->store);
    upkeep_tidy(retention->store);
    upkeep_sessions(retention->store);
    if (retention->seconds == 0 || retention->expires)
        return;
    retention->expires = true;
    upkeep_expire(retention->store, seam_wall_ms() - retention->seconds * 1000, on_expired, retention);
}

void retention_open(struct retention *retention, uv_loop_t *loop, struct store *store, int64_t seconds)
{
    *retention = (struct retention){.store = store, .seconds = seconds, .newest = -1};
    uv_timer_init(loop, &retention->timer);
    retention->timer.data = retention;
    submit_marking(retention, false);
    uv_timer_start(&retention->timer, on_retention_timer, 0, RETENTION_PERIOD_MS);
}

void retention_close(struct retention *retention)
{
    uv_close((uv_handle_t *)&retention->timer, NULL);
}
