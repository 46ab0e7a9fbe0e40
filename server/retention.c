#include "retention.h"

#include "base/container_of.h"
#include "base/log.h"
#include "base/seam.h"
#include "store/records.h"

#include <stdlib.h>

struct expiry {
    struct store_job job;
    int64_t before_ms;
};

/* On the database's thread, where nobody waits for it: a failure is the store's to log. */
static int expire(struct db *db, struct store_job *job, struct error *error)
{
    long removed = records_expire(db, container_of(job, struct expiry, job)->before_ms, RETENTION_BATCH, error);

    if (removed > 0)
        log_event(LOG_INFO, "records.expired", LOG_INT("rows", removed));
    return removed < 0 ? -1 : 0;
}

static int mark_lost(struct db *db, struct store_job *job, struct error *error)
{
    struct retention *retention = container_of(job, struct retention, marking);
    long lost = records_mark_lost(db, &retention->newest, error);

    if (lost > 0)
        log_event(LOG_WARN, "records.lost", LOG_INT("executions", lost));
    return lost < 0 ? -1 : 0;
}

/* Where it failed, the timer tries again. */
static void on_marked(struct store_job *job, const struct error *error)
{
    struct retention *retention = container_of(job, struct retention, marking);

    retention->marks = false;
    retention->marked = error == NULL;
    if (error != NULL)
        log_event(LOG_ERROR, "records.not_marked", LOG_STR("reason", error->text));
    else if (retention->seconds == 0 && !uv_is_closing((uv_handle_t *)&retention->timer))
        uv_timer_stop(&retention->timer);
}

static void mark(struct retention *retention)
{
    retention->marks = true;
    retention->marking = (struct store_job){.work = mark_lost, .done = on_marked};
    store_submit(retention->store, &retention->marking);
}

static void delete_old(struct retention *retention)
{
    struct expiry *expiry = calloc(1, sizeof *expiry);

    if (expiry == NULL)
        return;
    expiry->before_ms = seam_wall_ms() - retention->seconds * 1000;
    expiry->job.work = expire;
    store_submit(retention->store, &expiry->job);
}

static void on_timer(uv_timer_t *timer)
{
    struct retention *retention = timer->data;

    if (!retention->marked && !retention->marks)
        mark(retention);
    if (retention->seconds > 0 && !store_trouble(retention->store, NULL))
        delete_old(retention);
}

void retention_open(struct retention *retention, uv_loop_t *loop, struct store *store, int64_t seconds)
{
    *retention = (struct retention){.store = store, .seconds = seconds, .newest = -1};
    uv_timer_init(loop, &retention->timer);
    retention->timer.data = retention;
    mark(retention);
    uv_timer_start(&retention->timer, on_timer, 0, RETENTION_PERIOD_MS);
}

void retention_close(struct retention *retention)
{
    uv_close((uv_handle_t *)&retention->timer, NULL);
}
