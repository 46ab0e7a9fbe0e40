/* A job's way: store_submit() puts it at the end of its line (turns.h). The thread takes a turn, which is up to
 * STORE_BATCH_MAX jobs of the first line or one job of another, and runs it in one transaction (run_batch). A job that
 * goes on returns to its line; every other job goes to `finished` (hand_over). The waker wakes the loop, where
 * `deliver` calls each done(). A job that can't be queued goes to `finished` at once.
 * store_close() lets the thread finish what is queued. The thread then closes the file and ends.
 *
 * A failure that is the database's sets `trouble` (doubt). From then on the thread checks the database by itself, until
 * a check succeeds and what is owed is written (tend). */
#include "store/store_private.h"

#include "base/log.h"
#include "base/seam.h"
#include "base/states.h"
#include "store/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct states store_lives = {
    .subject = "store",
    .names = (const char *const[]){"open", "closing", "ended", "closed"},
    .next = (const uint32_t[]){[STORE_OPEN] = STATE(STORE_CLOSING),
                               [STORE_CLOSING] = STATE(STORE_ENDED),
                               [STORE_ENDED] = STATE(STORE_CLOSED),
                               [STORE_CLOSED] = 0},
    .count = 4,
};

void store_set_life(struct store *store, enum store_life life)
{
    states_move(&store_lives, store->life, life, NULL);
    store->life = life;
}

void store_set_queued(struct store *store, unsigned queued)
{
    atomic_store(&store->queued, queued);
    metric_set(store->length, queued);
}

/* Jobs that have finished. */

static void give_back(struct store *store, struct store_job *job)
{
    metric_observe(store->seconds, (double)(seam()->monotonic_ns() - job->submitted_ns) / 1e9);
    if (job->batch != 0)
        metric_observe(store->batch_jobs, job->batch);
    if (job->commit_ns != 0)
        metric_observe(store->commit_seconds, (double)job->commit_ns / 1e9);
    if (job->done != NULL) {
        job->done(job, job->failed ? &job->error : NULL);
        return;
    }
    if (job->failed)
        log_event(LOG_ERROR, "database.job_failed", LOG_STR("error", job->error.text));
    free(job);
}

static struct store_job *take_finished(struct list *finished)
{
    struct list *node = list_shift(finished);

    return node != NULL ? store_job_of(node) : NULL;
}

/* Calls done() of the jobs that have finished, and answers how many there were. Jobs that finish during these calls are
 * left for the next time. */
static unsigned deliver(struct store *store)
{
    struct list finished;
    struct store_job *job;
    unsigned count = 0;

    list_init(&finished);
    uv_mutex_lock(&store->mutex);
    list_join(&finished, &store->finished);
    uv_mutex_unlock(&store->mutex);
    while ((job = take_finished(&finished)) != NULL) {
        give_back(store, job);
        count++;
    }
    return count;
}

static bool is_closed(struct store *store)
{
    uv_mutex_lock(&store->mutex);
    bool closed = store->life == STORE_CLOSED;
    uv_mutex_unlock(&store->mutex);
    return closed;
}

static void store_free(struct store *store)
{
    uv_cond_destroy(&store->wake);
    uv_mutex_destroy(&store->mutex);
    free(store);
}

static void on_waker_closed(struct waker *waker)
{
    struct store *store = container_of(waker, struct store, waker);

    void (*closed)(void *arg) = store->closed;
    void *arg = store->arg;

    while (deliver(store) > 0)
        ; /* the jobs that were refused since the thread ended */
    store_free(store);
    if (closed != NULL)
        closed(arg);
}

static void on_woken(struct waker *waker)
{
    struct store *store = container_of(waker, struct store, waker);

    deliver(store);
    if (waker_is_closing(waker) || !is_closed(store))
        return;
    uv_thread_join(&store->thread);
    waker_close(waker, on_waker_closed);
}

/* Opening. */

static struct metric *make_metric(const char *name, const char *help, enum metric_type type, const double *bounds)
{
    static const char *const none[METRIC_LABELS_MAX + 1] = {NULL};

    return metric_series(metric_family(name, help, type, none, bounds), none);
}

static void make_metrics(struct store *store)
{
    static const double sizes[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 0};

    store->length =
        make_metric("codecell_database_queue_length", "Jobs that wait for the database.", METRIC_GAUGE, NULL);
    store->seconds =
        make_metric("codecell_database_job_seconds", "Time from a job's submission to its answer, its commit included.",
                    METRIC_HISTOGRAM, metric_latency_bounds);
    store->commit_seconds = make_metric("codecell_commit_seconds", "Time that the commit of a transaction took.",
                                        METRIC_HISTOGRAM, metric_share_bounds);
    store->batch_jobs =
        make_metric("codecell_database_batch_jobs", "Jobs that shared one transaction.", METRIC_HISTOGRAM, sizes);
}

static void on_start_undone(struct waker *waker)
{
    store_free(container_of(waker, struct store, waker));
}

/* Owns the store: if it fails, the store is freed. */
static int start_thread(struct store *store, uv_loop_t *loop, struct error *error)
{
    int result = waker_init(&store->waker, loop, on_woken);

    if (result < 0) {
        db_close(store->db);
        store_free(store);
        return error_set(error, ERROR_INTERNAL, "The database's thread can't start: %s", uv_strerror(result));
    }
    result = uv_thread_create(&store->thread, store_thread, store);
    if (result == 0)
        return 0;
    db_close(store->db);
    waker_close(&store->waker, on_start_undone);
    return error_set(error, ERROR_INTERNAL, "The database's thread can't start: %s", uv_strerror(result));
}

/* Refuses a database that will not become usable by waiting. */
static int check_database(struct db *db, const char *data_dir, struct error *error)
{
    struct error ignored = {.code = ERROR_NONE};
    bool lacks_schema;

    if (db_check_whole(db, error) != 0)
        return -1;
    db_patience(db, STORE_TROUBLED_PATIENCE_MS);
    int tried = health_try_record(db, &lacks_schema, &ignored);
    db_patience(db, DB_PATIENCE_MS);
    if (tried == 0 || !lacks_schema)
        return 0;
    return error_set(error, ERROR_INVALID,
                     "The database in %s can't be used: a table or a column of its schema is missing: put a backup in "
                     "its place",
                     data_dir);
}

static struct store *store_new(struct db *db)
{
    struct store *store = calloc(1, sizeof *store);

    if (store == NULL)
        return NULL;
    store->db = db;
    snprintf(store->instance, sizeof store->instance, "%s", db_instance(db));
    memcpy(store->cursor_key, db_cursor_key(db), DB_CURSOR_KEY);
    uv_mutex_init(&store->mutex);
    uv_cond_init(&store->wake);
    db_set_wanted(db, &store->wanted);
    turns_init(&store->turns);
    list_init(&store->finished);
    owed_init(&store->owed);
    make_metrics(store);
    return store;
}

int store_open(struct store **out, uv_loop_t *loop, const char *data_dir, struct error *error)
{
    struct db *db;

    *out = NULL;
    if (db_open(&db, data_dir, error) != 0)
        return -1;
    int checked = check_database(db, data_dir, error);
    struct store *store = checked == 0 ? store_new(db) : NULL;
    if (store == NULL) {
        db_close(db);
        return checked != 0 ? -1 : error_memory(error);
    }
    if (start_thread(store, loop, error) != 0)
        return -1;
    *out = store;
    return 0;
}

const char *store_instance(const struct store *store)
{
    return store->instance;
}

const unsigned char *store_cursor_key(const struct store *store)
{
    return store->cursor_key;
}

bool store_trouble(struct store *store, struct error *error)
{
    if (!atomic_load(&store->troubled))
        return false;
    uv_mutex_lock(&store->mutex);
    bool troubled = store->trouble.code != ERROR_NONE;
    if (troubled && error != NULL)
        *error = store->trouble;
    uv_mutex_unlock(&store->mutex);
    return troubled;
}

int store_owe(struct store *store, const struct record *record)
{
    uv_mutex_lock(&store->mutex);
    int result = store->life < STORE_ENDED ? owed_add(&store->owed, record) : -1;
    uv_cond_signal(&store->wake);
    uv_mutex_unlock(&store->mutex);
    return result;
}

/* Why a job can't be queued; NULL: it can. With the mutex held. */
static const char *refusal_of(const struct store *store)
{
    if (store->life != STORE_OPEN)
        return "The server is shutting down";
    return atomic_load(&store->queued) >= STORE_QUEUE_MAX ? "The database's queue is full" : NULL;
}

void store_submit(struct store *store, struct store_job *job)
{
    job->error.code = ERROR_NONE;
    job->error.text[0] = '\0';
    job->failed = job->more = false;
    job->batch = 0;
    job->commit_ns = 0;
    job->submitted_ns = seam()->monotonic_ns();
    uv_mutex_lock(&store->mutex);
    const char *why = refusal_of(store);
    if (why != NULL) {
        job->failed = true;
        error_set(&job->error, ERROR_UNAVAILABLE, "%s", why);
        list_push(&store->finished, &job->node);
    } else {
        turns_add(&store->turns, job);
        atomic_store(&store->wanted, !list_is_empty(&store->turns.first));
        store_set_queued(store, atomic_load(&store->queued) + 1);
    }
    uv_mutex_unlock(&store->mutex);
    uv_cond_signal(&store->wake); /* after the unlock, so that the thread does not wait for the mutex */
    if (why != NULL && !waker_is_closing(&store->waker))
        waker_wake(&store->waker);
}

unsigned store_queued(const struct store *store)
{
    return atomic_load(&store->queued);
}

void store_close(struct store *store, void (*closed)(void *arg), void *arg)
{
    store->closed = closed;
    store->arg = arg;
    uv_mutex_lock(&store->mutex);
    store_set_life(store, STORE_CLOSING);
    uv_cond_signal(&store->wake);
    uv_mutex_unlock(&store->mutex);
}
