/* The database's thread: it runs jobs one after another, off the loop. Long work goes in slices, and the keys that read
 * take turns (turns.h), so that no job has the thread for long. The short jobs that requests wait for run in their
 * order. Those that wait at the same time share one transaction, and a job's done() comes after its commit (except
 * `early`).
 *
 * A job that fails is rolled back alone. If the transaction itself fails (its begin, its commit, a full disk), each of
 * its jobs fails, also those whose work() was not called yet. A `reader` and `upkeep` have a transaction for each
 * slice.
 *
 * The store knows whether a record can be written. It checks this at the start. The first failure that is the
 * database's puts it in doubt; then it checks every STORE_CHECK_MS until a check succeeds (health.h). Before work that
 * must be recorded begins, store_trouble() must be asked. */
#ifndef CODECELL_STORE_STORE_H
#define CODECELL_STORE_STORE_H

#include "base/list.h"
#include "store/db.h"

#include <uv.h>

struct record;
struct store;

/* A member of the caller's struct, zeroed at first. It is the store's until done(). */
struct store_job {
    /* On the database's thread. 0, or -1, or STORE_MORE: a slice is done, and the next one should come in its turn.
     * Only a `reader` or `upkeep` may answer STORE_MORE. */
    int (*work)(struct db *db, struct store_job *job, struct error *error);
    /* On the loop. error NULL: it is committed. If done is NULL, a failure is logged and the job is passed to free(),
     * so it must be the first member of a struct from malloc. */
    void (*done)(struct store_job *job, const struct error *error);
    int64_t reader; /* the key that reads: the job takes turns with other keys'. 0: the job is short, and goes first */
    bool upkeep;  /* no request waits for it: it goes in slices, between which the thread rests. When the store closes,
                     it gets one more slice */
    bool reads;   /* work() writes nothing. If all jobs of a transaction are such, it takes no write lock. A `reader`
                     is always such a job */
    bool early;   /* done() may come after work() and before the commit: what it writes is not promised. If that commit
                     fails, the job does not learn it. Until a commit succeeds again, such a job waits like others */
    bool durable; /* its commit waits until the disk has it (db_durable) */
    bool proves;  /* before work(), the store checks whether a record can be written, unless it has done so in the last
                     STORE_CHECK_MS; done() may then ask store_trouble(). Such a job should only read */

    /* The store's own. */
    struct error error;
    struct list node;  /* in a line (turns.h), a batch, or what has finished */
    struct list later; /* turns.h */
    bool failed, more;
    unsigned batch; /* in the first job of a transaction: how many jobs shared it; otherwise 0 */
    uint64_t submitted_ns;
    uint64_t commit_ns; /* in the first job that waited for the commit: how long it took; otherwise 0 */
};

#define STORE_MORE 1

#define STORE_QUEUE_MAX 100000 /* jobs that wait or run */
#define STORE_BATCH_MAX 256    /* jobs in one transaction */
#define STORE_CHECK_MS 1000u

/* A slice's time: a work() that can go on later looks at the clock (slice.h). A single statement of a reader that takes
 * STORE_READING_MS fails with ERROR_BUSY. */
#define STORE_READING_SLICE_NS UINT64_C(5000000)
#define STORE_UPKEEP_SLICE_NS UINT64_C(2000000)
#define STORE_READING_MS 2000u

int store_open(struct store **out, uv_loop_t *loop, const char *data_dir, struct error *error);
const char *store_instance(const struct store *store);
const unsigned char *store_cursor_key(const struct store *store); /* DB_CURSOR_KEY bytes */

/* Whether the store knows that no record can be written; `error` (may be NULL) then says why. Any thread. */
bool store_trouble(struct store *store, struct error *error);

/* Takes the end of an execution that could not be recorded, because its job failed. The store keeps a copy in memory
 * and writes it as soon as that is possible; its last try is when it closes. 0, or -1: there are too many (owed.h), and
 * this end is lost. */
int store_owe(struct store *store, const struct record *record);

/* Queues a job. Jobs of one line run in the order of these calls. At STORE_QUEUE_MAX, and after store_close(), done()
 * comes from the loop with ERROR_UNAVAILABLE, and work() is not called. On the loop's thread. */
void store_submit(struct store *store, struct store_job *job);
unsigned store_queued(const struct store *store); /* jobs that wait or run; any thread */

/* Runs what is queued (of upkeep one slice), ends the thread and closes the file. `closed` (may be NULL) comes on the
 * loop, after every done(); the store no longer exists then. Once. */
void store_close(struct store *store, void (*closed)(void *arg), void *arg);

#endif
