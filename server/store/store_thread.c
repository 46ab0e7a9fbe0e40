/* The thread's half of the store: it checks the database, runs turns of jobs in transactions, and ends. store.c tells a
 * job's way. */
#include "store/store_private.h"

#include "base/log.h"
#include "base/pace.h"
#include "base/seam.h"
#include "store/health.h"

#define MS_NS UINT64_C(1000000)

/* Whether a record can be written. */

/* Only a failure that is the database's counts. store_trouble() tells the first one. */
static void doubt(struct store *store, const struct error *error)
{
    if (error->code != ERROR_UNAVAILABLE || atomic_load(&store->troubled))
        return;
    uv_mutex_lock(&store->mutex);
    store->trouble = *error;
    uv_mutex_unlock(&store->mutex);
    atomic_store(&store->troubled, true);
    store->tend_at = seam()->monotonic_ns() + STORE_CHECK_MS * MS_NS;
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
    if (db_begin(db, error) != 0)
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

static void put_owed_back(struct store *store, struct owed_record *one)
{
    uv_mutex_lock(&store->mutex);
    owed_put_back(&store->owed, one);
    uv_mutex_unlock(&store->mutex);
}

/* Writes what is owed. -1: the database fails again. A record that is at fault itself is given up. */
static int pay_owed(struct store *store, struct error *error)
{
    struct owed_record *one;
    unsigned written = 0;
    bool failed = false;

    while (!failed && (one = take_owed(store)) != NULL) {
        int result = write_owed(store->db, &one->record, error);
        failed = result < 0 && (error->code == ERROR_UNAVAILABLE || error->code == ERROR_MEMORY);
        if (failed) {
            put_owed_back(store, one);
            continue;
        }
        if (result < 0)
            log_event(LOG_ERROR, "record.failed", LOG_STR("id", one->record.id), LOG_STR("reason", error->text));
        else
            written++;
        owed_free(one);
    }
    if (written > 0)
        log_event(LOG_WARN, "records.written_late", LOG_INT("executions", written));
    return failed ? -1 : 0;
}

/* Checks whether a record can be written, and writes those that are owed. */
static void tend(struct store *store)
{
    struct error error = {.code = ERROR_NONE};
    bool troubled = atomic_load(&store->troubled);

    db_patience(store->db, troubled ? STORE_TROUBLED_PATIENCE_MS : DB_PATIENCE_MS);
    if (health_check(store->db, troubled, &error) == 0 && pay_owed(store, &error) == 0)
        trust(store);
    else
        doubt(store, &error);
    db_patience(store->db, DB_PATIENCE_MS);
    store->tend_at = seam()->monotonic_ns() + STORE_CHECK_MS * MS_NS;
}

/* Whether there is a reason to tend. With the mutex held. */
static bool needs_tending(const struct store *store)
{
    return atomic_load(&store->troubled) || !list_is_empty(&store->owed.records);
}

/* `proves`: a job of this turn asks for a check. */
static void tend_if_due(struct store *store, bool proves)
{
    uint64_t now = seam()->monotonic_ns();

    uv_mutex_lock(&store->mutex);
    bool due =
        needs_tending(store) ? now >= store->tend_at : proves && now - store->proved_ns >= STORE_CHECK_MS * MS_NS;
    uv_mutex_unlock(&store->mutex);
    if (due)
        tend(store);
}

/* Transactions. */

static int call_work(struct db *db, struct store_job *job)
{
    int result = job->work(db, job, &job->error);

    job->more = result == STORE_MORE;
    return result;
}

/* Each job has a savepoint, except one that is alone in its transaction. -1: the transaction itself is gone. SQLite
 * ends it, for example, if the disk is full. */
static int run_job(struct db *db, struct store_job *job, bool alone)
{
    if (alone) {
        job->failed = call_work(db, job) < 0;
        return job->failed ? -1 : 0;
    }
    job->failed = db_savepoint(db, &job->error) != 0 || call_work(db, job) < 0;
    if (!db_in_transaction(db))
        return -1;
    return job->failed ? db_savepoint_undo(db, NULL) : db_savepoint_keep(db, NULL);
}

/* A job that has failed already keeps its own error. */
static void fail_all(struct list *batch, const struct error *error)
{
    LIST_EACH (node, batch) {
        struct store_job *job = store_job_of(node);
        if (job->failed)
            continue;
        job->failed = true;
        job->error = *error;
    }
}

static bool only_reads(const struct list *batch)
{
    LIST_EACH (node, batch)
        if (!store_job_of(node)->reads && store_job_of(node)->reader == 0)
            return false;
    return true;
}

/* Gives jobs to the loop. */
static void hand_over(struct store *store, struct list *jobs)
{
    unsigned count = 0;

    LIST_EACH (node, jobs)
        count++;
    if (count == 0)
        return;
    uv_mutex_lock(&store->mutex);
    list_join(&store->finished, jobs);
    store_set_queued(store, atomic_load(&store->queued) - count);
    uv_mutex_unlock(&store->mutex);
    waker_wake(&store->waker);
}

/* Gives those jobs to the loop that need not wait for the commit. */
static void hand_over_early(struct store *store, struct list *batch)
{
    struct list early;

    list_init(&early);
    LIST_EACH (node, batch) {
        if (!store_job_of(node)->early)
            continue;
        list_remove(node);
        list_push(&early, node);
    }
    hand_over(store, &early);
}

static int commit_batch(struct store *store, struct list *batch, struct error *error)
{
    uint64_t start = seam()->monotonic_ns();
    int result = db_commit(store->db, error);

    store->ailing = result != 0;
    if (result == 0 && !list_is_empty(batch))
        store_job_of(list_first(batch))->commit_ns = seam()->monotonic_ns() - start;
    return result;
}

/* -1: the transaction is lost. */
static int run_jobs(struct store *store, struct list *batch, struct error *error)
{
    bool alone = list_first(batch) == list_last(batch);

    LIST_EACH (node, batch) {
        struct store_job *job = store_job_of(node);
        int result = run_job(store->db, job, alone);
        if (job->failed)
            doubt(store, &job->error);
        if (result == 0)
            continue;
        *error = job->error;
        return -1;
    }
    return 0;
}

static bool is_durable(const struct list *batch)
{
    LIST_EACH (node, batch)
        if (store_job_of(node)->durable)
            return true;
    return false;
}

static int begin_batch(struct db *db, bool reads, bool durable, struct error *error)
{
    if (reads)
        return db_begin_read(db, error);
    return durable && db_durable(db, true, error) != 0 ? -1 : db_begin(db, error);
}

static void run_batch(struct store *store, struct list *batch)
{
    struct db *db = store->db;
    struct error error = {.code = ERROR_NONE};
    bool reads = only_reads(batch), durable = is_durable(batch);
    int result = begin_batch(db, reads, durable, &error);

    if (result == 0)
        result = run_jobs(store, batch, &error);
    if (result == 0 && !store->ailing)
        hand_over_early(store, batch);
    if (result == 0)
        result = reads ? db_commit(db, &error) : commit_batch(store, batch, &error);
    if (result != 0)
        db_rollback(db);
    if (durable)
        (void)db_durable(db, false, NULL); /* if it stays on, commits are slower */
    if (result == 0)
        return;
    doubt(store, &error);
    if (error.code == ERROR_NONE)
        error_set(&error, ERROR_INTERNAL, "The database failed: the transaction was lost");
    fail_all(batch, &error);
}

/* Jobs that go on return to their line. While the store closes, upkeep does not go on. */
static void requeue(struct store *store, struct list *batch)
{
    uv_mutex_lock(&store->mutex);
    LIST_EACH (node, batch) {
        struct store_job *job = store_job_of(node);
        if (!job->more || job->failed || (job->upkeep && store->life != STORE_OPEN))
            continue;
        list_remove(node);
        turns_add(&store->turns, job);
    }
    uv_mutex_unlock(&store->mutex);
}

/* The thread. */

/* When the write-ahead log is copied. The copier copies it above LOG_PAGES_IDLE once no job has come for IDLE_NS, and
 * above LOG_PAGES_MORE after any turn. If nothing was written meanwhile, all of the log is copied, and the next commit
 * starts it anew. Above LOG_PAGES_HELD the copier copies again and again until that succeeds, and upkeep, which writes
 * most, waits for it. Above LOG_PAGES_LONG this thread copies what was written during the copier's last copy, and all
 * jobs wait for the disk. */
#define LOG_PAGES_IDLE 1000
#define LOG_PAGES_MORE 1500
#define LOG_PAGES_HELD 3000
#define LOG_PAGES_LONG 16000
#define LOG_PAGES_REST 250
#define IDLE_NS 5000000
#define HELD_NS UINT64_C(5000000) /* until upkeep looks again */
#define HELD_MOST_NS \
    UINT64_C(200000000) /* that it waits for a slice, where others write faster than the copier copies */

static void copy_log(struct store *store, int pages)
{
    if (!copier_works(store->copier) && db_log_is_long(store->db, LOG_PAGES_LONG))
        db_checkpoint(store->db, LOG_PAGES_REST);
    else if (db_checkpoint_due(store->db, pages) && copier_ask(store->copier))
        db_checkpoint_begun(store->db);
}

/* Whether upkeep should wait for the copier, which is asked to copy. If another program reads the file for long, the
 * log does not begin anew, however often it is copied. */
static bool log_is_behind(struct store *store)
{
    if (!db_log_is_long(store->db, LOG_PAGES_HELD) || db_log_is_long(store->db, LOG_PAGES_LONG))
        return false;
    if (db_checkpoint_due(store->db, 1) && copier_ask(store->copier))
        db_checkpoint_begun(store->db);
    return copier_works(store->copier);
}

/* With the mutex held. */
static void hold_upkeep(struct store *store, uint64_t now)
{
    if (list_is_empty(&store->turns.upkeep) || !log_is_behind(store)) {
        store->held_ns = 0;
        return;
    }
    if (store->held_ns == 0)
        store->held_ns = now;
    if (now - store->held_ns < HELD_MOST_NS && store->turns.upkeep_ns < now + HELD_NS)
        store->turns.upkeep_ns = now + HELD_NS;
}

/* What the thread does by itself if no job comes. */
enum chore { CHORE_NONE, CHORE_TEND, CHORE_COPY, CHORE_TURN };

/* The next chore, and when it is due (monotonic). With the mutex held. */
static enum chore next_chore(const struct store *store, uint64_t now, uint64_t *due)
{
    enum chore chore = CHORE_NONE;

    *due = UINT64_MAX;
    if (needs_tending(store)) {
        chore = CHORE_TEND;
        *due = store->tend_at;
    } else if (db_checkpoint_due(store->db, LOG_PAGES_IDLE)) {
        chore = CHORE_COPY;
        *due = now + IDLE_NS;
    }
    if (turns_due(&store->turns) < *due) {
        chore = CHORE_TURN;
        *due = turns_due(&store->turns);
    }
    return chore;
}

/* Waits for a job or does a chore. With the mutex held, which it gives up meanwhile. */
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
    if (chore == CHORE_TURN)
        return; /* a line's rest is over */
    uv_mutex_unlock(&store->mutex);
    if (chore == CHORE_TEND)
        tend(store);
    else
        copy_log(store, LOG_PAGES_IDLE);
    uv_mutex_lock(&store->mutex);
}

/* TURN_NONE: the store closes, and no job waits. With the mutex held. */
static enum turn wait_turn(struct store *store)
{
    for (;;) {
        bool closing = store->life != STORE_OPEN;
        uint64_t now = seam()->monotonic_ns();
        hold_upkeep(store, now);
        enum turn turn = turns_next(&store->turns, now, closing);
        if (turn != TURN_NONE || closing)
            return turn;
        wait_for_jobs(store);
    }
}

/* Waits for jobs and moves those of the next turn to `batch`. *proves: one of them asks for a check. */
static enum turn take_turn(struct store *store, struct list *batch, bool *proves)
{
    struct store_job *job;
    unsigned count = 0;

    *proves = false;
    uv_mutex_lock(&store->mutex);
    enum turn turn = wait_turn(store);
    unsigned most = turn == TURN_FIRST ? STORE_BATCH_MAX : turn == TURN_NONE ? 0 : 1;
    while (count < most && (job = turns_take(&store->turns, turn)) != NULL) {
        *proves = *proves || job->proves;
        list_push(batch, &job->node);
        count++;
    }
    atomic_store(&store->wanted, !list_is_empty(&store->turns.first));
    uv_mutex_unlock(&store->mutex);
    if (count > 0)
        store_job_of(list_first(batch))->batch = count;
    return turn;
}

static void run_turn(struct store *store, enum turn turn, struct list *batch)
{
    uint64_t start = seam()->monotonic_ns();

    db_deadline(store->db, turn == TURN_READING ? start + STORE_READING_MS * MS_NS : 0);
    run_batch(store, batch);
    db_deadline(store->db, 0);
    uint64_t end = seam()->monotonic_ns();
    requeue(store, batch);
    hand_over(store, batch);
    copy_log(store, LOG_PAGES_MORE);
    if (turn == TURN_FIRST)
        return;
    uv_mutex_lock(&store->mutex);
    turns_rest(&store->turns, turn, start, end, pace_is_shared(end));
    if (turn == TURN_UPKEEP)
        store->held_ns = 0;
    uv_mutex_unlock(&store->mutex);
}

/* The last try. The executions that are still owed then are marked as lost after the next start. */
static void end_owing(struct store *store)
{
    struct owed_record *one;
    unsigned lost = 0;

    if (!list_is_empty(&store->owed.records)) /* no other thread adds to it any more */
        tend(store);
    while ((one = owed_take(&store->owed)) != NULL) {
        owed_free(one);
        lost++;
    }
    if (lost > 0)
        log_event(LOG_ERROR, "records.unwritten", LOG_INT("executions", lost));
}

static void set_life_locked(struct store *store, enum store_life life)
{
    uv_mutex_lock(&store->mutex);
    store_set_life(store, life);
    uv_mutex_unlock(&store->mutex);
}

void store_thread(void *arg)
{
    struct store *store = arg;
    struct list batch;
    bool proves;

    list_init(&batch);
    tend(store);
    store->copier = copier_open(store->db);
    for (enum turn turn; (turn = take_turn(store, &batch, &proves)) != TURN_NONE;) {
        tend_if_due(store, proves);
        run_turn(store, turn, &batch);
    }
    set_life_locked(store, STORE_ENDED);
    end_owing(store);
    copier_close(store->copier);
    db_close(store->db);
    set_life_locked(store, STORE_CLOSED);
    waker_wake(&store->waker);
}
