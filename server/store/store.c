/* A job's way: store_submit puts it at the end of its line (turns.h); the thread takes a turn, which is up to
 * STORE_BATCH_MAX jobs of the first line or one of another, runs them in one transaction (run_batch) and puts them at
 * the end of `finished` (hand_over), or those that go on back into their line; the async handle wakes the loop, where
 * `deliver` calls each done(). A job that can't be queued goes to `finished` at once.
 * store_close lets the thread run dry; the thread closes the file and says so through `gone`.
 *
 * What fails because of the database makes `trouble` (doubt); the thread then probes by itself until a probe succeeds
 * and what is owed is written (tend). */
#include "store/store.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/seam.h"
#include "base/text.h"
#include "store/health.h"
#include "store/owed.h"
#include "store/turns.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_NS UINT64_C(1000000)
#define TROUBLED_BUSY_MS 100 /* a probe does not hold up those that only read for longer */

struct store {
    struct db *db;               /* the thread's */
    bool ailing;                 /* likewise: the last commit failed */
    uint64_t tend_at, proved_ns; /* likewise: when to probe in trouble; when it was last proved, 0: never */
    uv_async_t async;
    uv_thread_t thread;
    uv_mutex_t mutex; /* for what follows, down to `trouble` */
    uv_cond_t wake;
    struct turns turns;
    struct job_list finished;
    atomic_uint queued;        /* changed under the mutex, read by anyone */
    bool closing, ended, gone; /* ended: takes no more records that are owed; gone: the file is closed */
    struct owed owed;
    struct error trouble; /* ERROR_NONE: none; under the mutex, and `troubled` beside it for a quick look */
    atomic_bool troubled;
    struct metric *length, *seconds, *batch_jobs, *commit_seconds;
    void (*closed)(void *arg);
    void *arg;
    char instance[UUID_LEN + 1];
    unsigned char cursor_key[DB_CURSOR_KEY];
};

/* ---- whether a record can be written ---- */

/* A failure that is the database's. The first one is the one that is told. */
static void doubt(struct store *store, const struct error *error)
{
    if (error->code != ERROR_UNAVAILABLE || atomic_load(&store->troubled))
        return;
    uv_mutex_lock(&store->mutex);
    store->trouble = *error;
    uv_mutex_unlock(&store->mutex);
    atomic_store(&store->troubled, true);
    store->tend_at = seam()->monotonic_ns() + STORE_PROBE_MS * MS_NS;
    log_event(LOG_ERROR, "database.unusable", LOG_STR("reason", error->text));
}

static void trust(struct store *store)
{
    store->proved_ns = seam()->monotonic_ns();
    if (!atomic_load(&store->troubled))
        return;
    log_event(LOG_WARN, "database.usable", LOG_STR("after", store->trouble.text));
    uv_mutex_lock(&store->mutex);
    store->trouble = (struct error){.code = ERROR_NONE};
    uv_mutex_unlock(&store->mutex);
    atomic_store(&store->troubled, false);
}

static int write_owed(struct db *db, const struct record *record, struct error *error)
{
    if (db_begin(db, error) < 0)
        return -1;
    if (records_finish(db, record, error) == 0)
        return db_commit(db, error);
    db_rollback(db);
    return -1;
}

static struct owed_record *take_owed(struct store *store)
{
    uv_mutex_lock(&store->mutex);
    struct owed_record *one = owed_take(&store->owed);
    uv_mutex_unlock(&store->mutex);
    return one;
}

/* Writes what is owed. -1 where the database fails again; a record that fails by itself is given up. */
static int pay(struct store *store, struct error *error)
{
    unsigned written = 0;
    int result = 0;
    for (struct owed_record *one = take_owed(store); one && result == 0; one = result == 0 ? take_owed(store) : NULL) {
        result = write_owed(store->db, &one->record, error);
        if (result < 0 && error->code == ERROR_UNAVAILABLE) {
            uv_mutex_lock(&store->mutex);
            owed_put_back(&store->owed, one);
            uv_mutex_unlock(&store->mutex);
            break;
        }
        if (result < 0)
            log_event(LOG_ERROR, "record.failed", LOG_STR("id", one->record.id), LOG_STR("reason", error->text));
        else
            written++;
        result = 0;
        owed_free(one);
    }
    if (written > 0)
        log_event(LOG_WARN, "records.written_late", LOG_INT("executions", written));
    return result;
}

/* Proves that a record can be written, and writes those that are owed. */
static void tend(struct store *store)
{
    struct error error = {.code = ERROR_NONE};
    bool troubled = atomic_load(&store->troubled);
    db_patience(store->db, troubled ? TROUBLED_BUSY_MS : DB_PATIENCE_MS);
    if (health_probe(store->db, troubled, &error) == 0 && pay(store, &error) == 0)
        trust(store);
    else
        doubt(store, &error);
    db_patience(store->db, DB_PATIENCE_MS);
    store->tend_at = seam()->monotonic_ns() + STORE_PROBE_MS * MS_NS;
}

/* Whether there is something to tend to. With the mutex held. */
static bool ails(const struct store *store)
{
    return atomic_load(&store->troubled) || store->owed.head != NULL;
}

/* `proves`: a job wants to know. */
static void tend_if_due(struct store *store, bool proves)
{
    uint64_t now = seam()->monotonic_ns();
    uv_mutex_lock(&store->mutex);
    bool due = ails(store) ? now >= store->tend_at : proves && now - store->proved_ns >= STORE_PROBE_MS * MS_NS;
    uv_mutex_unlock(&store->mutex);
    if (due)
        tend(store);
}

/* ---- transactions ---- */

static int work(struct db *db, struct store_job *job)
{
    int result = job->work(db, job, &job->error);
    job->more = result == STORE_MORE;
    return result;
}

/* One job in its savepoint; the only one of its transaction needs none. -1 where the transaction itself is gone:
 * SQLite ends it by itself where, for example, the disk is full. */
static int run_job(struct db *db, struct store_job *job, bool alone)
{
    if (alone) {
        job->failed = work(db, job) < 0;
        return job->failed ? -1 : 0;
    }
    job->failed = db_savepoint(db, &job->error) != 0 || work(db, job) < 0;
    if (!db_in_transaction(db))
        return -1;
    return job->failed ? db_savepoint_undo(db, NULL) : db_savepoint_keep(db, NULL);
}

/* A job that had failed by itself keeps its own error. */
static void fail_all(struct job_list *batch, const struct error *error)
{
    for (struct store_job *job = batch->head; job; job = job->next) {
        if (job->failed)
            continue;
        job->failed = true;
        job->error = *error;
    }
}

static bool only_reads(const struct job_list *batch)
{
    for (const struct store_job *job = batch->head; job; job = job->next)
        if (!job->reads && !job->reader)
            return false;
    return true;
}

static void set_queued(struct store *store, unsigned queued)
{
    atomic_store(&store->queued, queued);
    metric_set(store->length, queued);
}

/* To the loop. */
static void hand_over(struct store *store, struct job_list *jobs)
{
    unsigned count = 0;
    for (const struct store_job *job = jobs->head; job; job = job->next)
        count++;
    if (count == 0)
        return;
    uv_mutex_lock(&store->mutex);
    job_list_join(&store->finished, jobs);
    set_queued(store, atomic_load(&store->queued) - count);
    uv_mutex_unlock(&store->mutex);
    uv_async_send(&store->async);
}

/* Those that need not wait for the commit. */
static void hand_over_early(struct store *store, struct job_list *batch)
{
    struct job_list early = {NULL, NULL}, rest = {NULL, NULL};
    for (struct store_job *job = job_list_take(batch); job; job = job_list_take(batch))
        job_list_add(job->early ? &early : &rest, job);
    *batch = rest;
    hand_over(store, &early);
}

static int commit(struct store *store, struct job_list *batch, struct error *error)
{
    uint64_t start = seam()->monotonic_ns();
    int result = db_commit(store->db, error);
    store->ailing = result < 0;
    if (result == 0 && batch->head)
        batch->head->commit_ns = seam()->monotonic_ns() - start;
    return result;
}

static void run_batch(struct store *store, struct job_list *batch)
{
    struct db *db = store->db;
    bool alone = batch->head == batch->tail;
    struct error error = {.code = ERROR_NONE};
    bool reads = only_reads(batch);
    int result = reads ? db_begin_read(db, &error) : db_begin(db, &error);
    for (struct store_job *job = batch->head; job && result == 0; job = job->next) {
        result = run_job(db, job, alone);
        if (result < 0)
            error = job->error;
        if (job->failed)
            doubt(store, &job->error);
    }
    if (result == 0 && !store->ailing)
        hand_over_early(store, batch);
    if (result == 0)
        result = reads ? db_commit(db, &error) : commit(store, batch, &error);
    if (result == 0)
        return;
    db_rollback(db);
    doubt(store, &error);
    if (error.code == ERROR_NONE)
        error_set(&error, ERROR_INTERNAL, "The database failed: the transaction was lost");
    fail_all(batch, &error);
}

/* Those that go on are put back; when the store closes, upkeep does not go on. */
static void requeue(struct store *store, struct job_list *batch)
{
    struct job_list over = {NULL, NULL};
    uv_mutex_lock(&store->mutex);
    for (struct store_job *job = job_list_take(batch); job; job = job_list_take(batch)) {
        if (job->more && !job->failed && !(job->upkeep && store->closing))
            turns_add(&store->turns, job);
        else
            job_list_add(&over, job);
    }
    uv_mutex_unlock(&store->mutex);
    *batch = over;
}

/* The log is copied once nobody has wanted anything for a moment (a request's next job is on its way until then); once
 * it is longer, while nobody waits; and once it is long, whoever waits. */
#define LOG_PAGES_IDLE 1000
#define LOG_PAGES_FREE 1500
#define LOG_PAGES_MAX 3000 /* 50 ms; 10000 take 200 */
#define IDLE_NS 5000000

static bool is_free(struct store *store)
{
    uv_mutex_lock(&store->mutex);
    bool nobody = store->turns.first.head == NULL && store->turns.readers.head == NULL;
    uv_mutex_unlock(&store->mutex);
    return nobody;
}

/* What the thread does when nobody wants anything until then. */
enum chore { CHORE_NONE, CHORE_TEND, CHORE_COPY, CHORE_UPKEEP };

/* The next of them, and when it is due (monotonic). With the mutex held. */
static enum chore next_chore(const struct store *store, uint64_t now, uint64_t *due)
{
    enum chore chore = ails(store)                                    ? CHORE_TEND
                       : db_checkpoint_due(store->db, LOG_PAGES_IDLE) ? CHORE_COPY
                                                                      : CHORE_NONE;
    *due = chore == CHORE_TEND ? store->tend_at : chore == CHORE_COPY ? now + IDLE_NS : UINT64_MAX;
    if (store->turns.upkeep.head && store->turns.upkeep_ns < *due) {
        chore = CHORE_UPKEEP;
        *due = store->turns.upkeep_ns;
    }
    return chore;
}

/* With the mutex held, as uv_cond_wait. */
static void wait_for_jobs(struct store *store)
{
    uint64_t due, now = seam()->monotonic_ns();
    enum chore chore = next_chore(store, now, &due);
    if (chore == CHORE_NONE) {
        uv_cond_wait(&store->wake, &store->mutex);
        return;
    }
    if (now < due && uv_cond_timedwait(&store->wake, &store->mutex, due - now) != UV_ETIMEDOUT)
        return;
    if (chore == CHORE_UPKEEP)
        return; /* its turn has come */
    uv_mutex_unlock(&store->mutex);
    if (chore == CHORE_TEND)
        tend(store);
    else
        db_checkpoint(store->db, LOG_PAGES_IDLE);
    uv_mutex_lock(&store->mutex);
}

/* Waits until somebody's turn has come. TURN_NONE: the store closes. With the mutex held. */
static enum turn wait_turn(struct store *store)
{
    for (;;) {
        enum turn turn = turns_next(&store->turns, seam()->monotonic_ns(), store->closing);
        if (turn != TURN_NONE || store->closing)
            return turn;
        wait_for_jobs(store);
    }
}

/* Waits for jobs and moves those of the next turn to `batch`; `proves`: one of them does. */
static enum turn take_turn(struct store *store, struct job_list *batch, bool *proves)
{
    unsigned count = 0;
    *proves = false;
    uv_mutex_lock(&store->mutex);
    enum turn turn = wait_turn(store);
    unsigned most = turn == TURN_FIRST ? STORE_BATCH_MAX : turn == TURN_NONE ? 0 : 1;
    struct store_job *job;
    while (count < most && (job = turns_take(&store->turns, turn)) != NULL) {
        *proves = *proves || job->proves;
        job_list_add(batch, job);
        count++;
    }
    uv_mutex_unlock(&store->mutex);
    if (count)
        batch->head->batch = count;
    return turn;
}

static void run_turn(struct store *store, enum turn turn, struct job_list *batch)
{
    uint64_t start = seam()->monotonic_ns();
    db_deadline(store->db, turn == TURN_READING ? start + STORE_READING_MS * MS_NS : 0);
    run_batch(store, batch);
    db_deadline(store->db, 0);
    requeue(store, batch);
    hand_over(store, batch);
    db_checkpoint(store->db, is_free(store) ? LOG_PAGES_FREE : LOG_PAGES_MAX);
    if (turn != TURN_UPKEEP)
        return;
    uv_mutex_lock(&store->mutex);
    turns_rest(&store->turns, start, seam()->monotonic_ns());
    uv_mutex_unlock(&store->mutex);
}

/* What is owed is tried once more; what is then left says `lost` after the next start. */
static void end_owing(struct store *store)
{
    unsigned lost = 0;
    if (store->owed.head) /* nobody adds to it any more */
        tend(store);
    for (struct owed_record *one = owed_take(&store->owed); one; one = owed_take(&store->owed)) {
        owed_free(one);
        lost++;
    }
    if (lost > 0)
        log_event(LOG_ERROR, "records.unwritten", LOG_INT("executions", lost));
}

static void thread_main(void *arg)
{
    struct store *store = arg;
    struct job_list batch = {NULL, NULL};
    bool proves;
    tend(store);
    for (enum turn turn; (turn = take_turn(store, &batch, &proves)) != TURN_NONE;) {
        tend_if_due(store, proves);
        run_turn(store, turn, &batch);
    }
    uv_mutex_lock(&store->mutex);
    store->ended = true; /* owes no more */
    uv_mutex_unlock(&store->mutex);
    end_owing(store);
    db_close(store->db);
    uv_mutex_lock(&store->mutex);
    store->gone = true;
    uv_mutex_unlock(&store->mutex);
    uv_async_send(&store->async);
}

static void give_back(struct store *store, struct store_job *job)
{
    metric_observe(store->seconds, (double)(seam()->monotonic_ns() - job->submitted_ns) / 1e9);
    if (job->batch)
        metric_observe(store->batch_jobs, job->batch);
    if (job->commit_ns)
        metric_observe(store->commit_seconds, (double)job->commit_ns / 1e9);
    if (job->done) {
        job->done(job, job->failed ? &job->error : NULL);
        return;
    }
    if (job->failed)
        log_event(LOG_ERROR, "database.job_failed", LOG_STR("error", job->error.text));
    free(job);
}

/* Calls done() of what has finished. How many there were: what the callbacks make finish is for later. */
static unsigned deliver(struct store *store)
{
    struct job_list finished = {NULL, NULL};
    unsigned count = 0;
    uv_mutex_lock(&store->mutex);
    job_list_join(&finished, &store->finished);
    uv_mutex_unlock(&store->mutex);
    for (struct store_job *job = job_list_take(&finished); job; job = job_list_take(&finished)) {
        give_back(store, job);
        count++;
    }
    return count;
}

static bool is_gone(struct store *store)
{
    uv_mutex_lock(&store->mutex);
    bool gone = store->gone;
    uv_mutex_unlock(&store->mutex);
    return gone;
}

static void release(struct store *store)
{
    uv_cond_destroy(&store->wake);
    uv_mutex_destroy(&store->mutex);
    free(store);
}

static void on_async_closed(uv_handle_t *handle)
{
    struct store *store = handle->data;
    while (deliver(store) > 0)
        ; /* also what was refused since the thread ended */
    void (*closed)(void *arg) = store->closed;
    void *arg = store->arg;
    release(store);
    if (closed)
        closed(arg);
}

static void on_async(uv_async_t *async)
{
    struct store *store = async->data;
    deliver(store);
    if (uv_is_closing((uv_handle_t *)async) || !is_gone(store))
        return;
    uv_thread_join(&store->thread);
    uv_close((uv_handle_t *)async, on_async_closed);
}

static void make_metrics(struct store *store)
{
    static const double sizes[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 0};
    static const char *const none[METRIC_LABELS_MAX + 1] = {NULL};
    store->length = metric_series(
        metric_family("codecell_database_queue_length", "Jobs that wait for the database.", METRIC_GAUGE, none, NULL),
        none);
    store->seconds = metric_series(metric_family("codecell_database_job_seconds",
                                                 "From a job's submission to its answer, commit included.",
                                                 METRIC_HISTOGRAM, none, metric_latency_bounds),
                                   none);
    store->commit_seconds =
        metric_series(metric_family("codecell_commit_seconds",
                                    "How long the commit of a transaction that wrote took, for all its jobs.",
                                    METRIC_HISTOGRAM, none, metric_share_bounds),
                      none);
    store->batch_jobs = metric_series(
        metric_family("codecell_database_batch_jobs", "Jobs that shared a transaction.", METRIC_HISTOGRAM, none, sizes),
        none);
}

static void on_start_undone(uv_handle_t *handle)
{
    release(handle->data);
}

/* Takes the store over: where it fails, the store is released. */
static int start(struct store *store, uv_loop_t *loop, struct error *error)
{
    int result = uv_async_init(loop, &store->async, on_async);
    if (result < 0) {
        db_close(store->db);
        release(store);
        return error_set(error, ERROR_INTERNAL, "The database's thread can't start: %s", uv_strerror(result));
    }
    store->async.data = store;
    result = uv_thread_create(&store->thread, thread_main, store);
    if (result == 0)
        return 0;
    db_close(store->db);
    uv_close((uv_handle_t *)&store->async, on_start_undone);
    return error_set(error, ERROR_INTERNAL, "The database's thread can't start: %s", uv_strerror(result));
}

/* A database that no waiting will make good is refused at the start. */
static int check(struct db *db, const char *data_dir, struct error *error)
{
    struct error ignored = {.code = ERROR_NONE};
    bool lacks_schema;
    if (db_check_whole(db, error) < 0)
        return -1;
    db_patience(db, TROUBLED_BUSY_MS);
    int tried = health_try_record(db, &lacks_schema, &ignored);
    db_patience(db, DB_PATIENCE_MS);
    if (tried == 0 || !lacks_schema)
        return 0;
    return error_set(error, ERROR_INVALID,
                     "The database in %s can't be used: a table or a column of its schema is missing: put a backup in "
                     "its place",
                     data_dir);
}

int store_open(struct store **out, uv_loop_t *loop, const char *data_dir, struct error *error)
{
    struct db *db;
    *out = NULL;
    if (db_open(&db, data_dir, error) < 0)
        return -1;
    int checked = check(db, data_dir, error);
    struct store *store = checked == 0 ? calloc(1, sizeof(*store)) : NULL;
    if (!store) {
        db_close(db);
        return checked < 0 ? -1 : error_memory(error);
    }
    store->db = db;
    snprintf(store->instance, sizeof(store->instance), "%s", db_instance(db));
    memcpy(store->cursor_key, db_cursor_key(db), DB_CURSOR_KEY);
    uv_mutex_init(&store->mutex);
    uv_cond_init(&store->wake);
    make_metrics(store);
    if (start(store, loop, error) < 0)
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
    if (troubled && error)
        *error = store->trouble;
    uv_mutex_unlock(&store->mutex);
    return troubled;
}

int store_owe(struct store *store, const struct record *record)
{
    uv_mutex_lock(&store->mutex);
    int result = store->ended ? -1 : owed_add(&store->owed, record);
    uv_cond_signal(&store->wake);
    uv_mutex_unlock(&store->mutex);
    return result;
}

/* Why a job can't be queued; NULL: it can. */
static const char *refusal(const struct store *store)
{
    if (store->closing)
        return "The server is shutting down";
    return atomic_load(&store->queued) >= STORE_QUEUE_MAX ? "The database's queue is full" : NULL;
}

void store_submit(struct store *store, struct store_job *job)
{
    job->error = (struct error){.code = ERROR_NONE};
    job->failed = job->more = false;
    job->batch = 0;
    job->commit_ns = 0;
    job->submitted_ns = seam()->monotonic_ns();
    uv_mutex_lock(&store->mutex);
    const char *why = refusal(store);
    if (why) {
        job->failed = true;
        error_set(&job->error, ERROR_UNAVAILABLE, "%s", why);
        job_list_add(&store->finished, job);
    } else {
        turns_add(&store->turns, job);
        set_queued(store, atomic_load(&store->queued) + 1);
    }
    uv_mutex_unlock(&store->mutex);
    uv_cond_signal(&store->wake); /* the thread finds the mutex free */
    if (why && !uv_is_closing((uv_handle_t *)&store->async))
        uv_async_send(&store->async);
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
    store->closing = true;
    uv_cond_signal(&store->wake);
    uv_mutex_unlock(&store->mutex);
}
