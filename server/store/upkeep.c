#include "store/upkeep.h"

#include "base/container_of.h"
#include "base/log.h"
#include "base/seam.h"
#include "store/idempotency.h"
#include "store/payments.h"
#include "store/records.h"

#include <stdlib.h>

struct upkeep {
    struct store_job job;
    const char *event; /* logged at the end if rows were changed */
    int64_t before_ms; /* of records_expire() */
    long rows;
    void (*done)(void *arg);
    void *arg;
};

static int count_rows(struct upkeep *upkeep, long rows)
{
    if (rows < 0)
        return -1;
    upkeep->rows += rows;
    return rows > 0 ? STORE_MORE : 0;
}

static int purge_records(struct db *db, struct store_job *job, struct error *error)
{
    return count_rows(container_of(job, struct upkeep, job), records_purge(db, error));
}

static int expire_records(struct db *db, struct store_job *job, struct error *error)
{
    struct upkeep *upkeep = container_of(job, struct upkeep, job);

    return count_rows(upkeep, records_expire(db, upkeep->before_ms, error));
}

static int end_sessions(struct db *db, struct store_job *job, struct error *error)
{
    return count_rows(container_of(job, struct upkeep, job), sessions_end_expired(db, error));
}

static int tidy(struct db *db, struct store_job *job, struct error *error)
{
    int64_t now_ms = seam_wall_ms();
    long answers = idempotency_expire(db, now_ms, error);
    long payments = answers < 0 ? -1 : payments_expire(db, now_ms, error);

    return count_rows(container_of(job, struct upkeep, job), payments < 0 ? -1 : answers + payments);
}

static void on_upkeep_done(struct store_job *job, const struct error *error)
{
    struct upkeep *upkeep = container_of(job, struct upkeep, job);

    if (upkeep->rows > 0)
        log_event(LOG_INFO, upkeep->event, LOG_INT("rows", upkeep->rows));
    if (error != NULL)
        log_event(LOG_ERROR, "database.job_failed", LOG_STR("error", error->text));
    if (upkeep->done != NULL)
        upkeep->done(upkeep->arg);
    free(upkeep);
}

static struct upkeep *upkeep_new(int (*work)(struct db *db, struct store_job *job, struct error *error),
                                 const char *event)
{
    struct upkeep *upkeep = calloc(1, sizeof *upkeep);

    if (upkeep == NULL)
        return NULL;
    upkeep->job = (struct store_job){.work = work, .done = on_upkeep_done, .upkeep = true};
    upkeep->event = event;
    return upkeep;
}

void upkeep_purge(struct store *store)
{
    struct upkeep *upkeep = upkeep_new(purge_records, "records.purged");

    if (upkeep != NULL) /* without memory, the next purge does the work */
        store_submit(store, &upkeep->job);
}

void upkeep_sessions(struct store *store)
{
    struct upkeep *upkeep = upkeep_new(end_sessions, "sessions.expired");

    if (upkeep != NULL) /* without memory, the next call does the work */
        store_submit(store, &upkeep->job);
}

void upkeep_tidy(struct store *store)
{
    struct upkeep *upkeep = upkeep_new(tidy, "answers.expired");

    if (upkeep != NULL) /* without memory, the next call does the work */
        store_submit(store, &upkeep->job);
}

void upkeep_expire(struct store *store, int64_t before_ms, void (*done)(void *arg), void *arg)
{
    struct upkeep *upkeep = upkeep_new(expire_records, "records.expired");

    if (upkeep == NULL) {
        if (done != NULL)
            done(arg);
        return;
    }
    upkeep->before_ms = before_ms;
    upkeep->done = done;
    upkeep->arg = arg;
    store_submit(store, &upkeep->job);
}
