#include "store/upkeep.h"

#include "base/container_of.h"
#include "base/log.h"
#include "store/records.h"

#include <stdlib.h>

struct upkeep {
    struct store_job job;
    const char *event; /* what is logged at the end, if there was something to do */
    int64_t before_ms; /* of expiry */
    long rows;
    void (*done)(void *arg);
    void *arg;
};

static int go_on(struct upkeep *upkeep, long rows)
{
    if (rows < 0)
        return -1;
    upkeep->rows += rows;
    return rows > 0 ? STORE_MORE : 0;
}

static int purge(struct db *db, struct store_job *job, struct error *error)
{
    return go_on(container_of(job, struct upkeep, job), records_purge(db, error));
}

static int expire(struct db *db, struct store_job *job, struct error *error)
{
    struct upkeep *upkeep = container_of(job, struct upkeep, job);
    return go_on(upkeep, records_expire(db, upkeep->before_ms, error));
}

static void on_done(struct store_job *job, const struct error *error)
{
    struct upkeep *upkeep = container_of(job, struct upkeep, job);
    if (upkeep->rows > 0)
        log_event(LOG_INFO, upkeep->event, LOG_INT("rows", upkeep->rows));
    if (error)
        log_event(LOG_ERROR, "database.job_failed", LOG_STR("error", error->text));
    if (upkeep->done)
        upkeep->done(upkeep->arg);
    free(upkeep);
}

static struct upkeep *upkeep_new(int (*work)(struct db *db, struct store_job *job, struct error *error),
                                 const char *event)
{
    struct upkeep *upkeep = calloc(1, sizeof(*upkeep));
    if (!upkeep)
        return NULL;
    upkeep->job = (struct store_job){.work = work, .done = on_done, .upkeep = true};
    upkeep->event = event;
    return upkeep;
}

void upkeep_purge(struct store *store)
{
    struct upkeep *upkeep = upkeep_new(purge, "records.purged");
    if (upkeep) /* else the next one does it */
        store_submit(store, &upkeep->job);
}

void upkeep_expire(struct store *store, int64_t before_ms, void (*done)(void *arg), void *arg)
{
    struct upkeep *upkeep = upkeep_new(expire, "records.expired");
    if (!upkeep) {
        if (done)
            done(arg);
        return;
    }
    upkeep->before_ms = before_ms;
    upkeep->done = done;
    upkeep->arg = arg;
    store_submit(store, &upkeep->job);
}
