/* The database's thread: jobs that run one after another, off the loop. It is nobody's alone: what takes long goes in
 * slices, and the keys that read take turns (turns.h). The short things that requests wait for run in their order;
 * those that wait at the same time share one transaction: a job's done() comes after its commit (but see `early`). A
 * job that fails is rolled back alone (savepoint); where the transaction itself fails (its begin, its commit, a full
 * disk), each of its jobs fails, also those whose work was not called yet. A `reader` and `upkeep` have a transaction a
 * slice.
 *
 * The store knows whether a record can be written: it is proved at the start, doubted by the first failure that is the
 * database's, and then asked every STORE_PROBE_MS until it is proved again (health.h). Whoever starts something that
 * must be recorded asks store_trouble first. */
#ifndef CODECELL_STORE_STORE_H
#define CODECELL_STORE_STORE_H

#include "store/db.h"

#include <uv.h>

struct record;
struct store;

/* Embedded in the caller's struct, zeroed; the store's until done(). */
struct store_job {
    int (*work)(struct db *db, struct store_job *job,
                struct error *error); /* on the database's thread; 0, or -1; STORE_MORE: a slice of it is done, the next
                                         one is called for in its next turn. Of a `reader` or `upkeep` alone */
    void (*done)(struct store_job *job,
                 const struct error *error); /* on the loop; error NULL: it is committed. NULL: nobody waits; a
                                                failure is logged and free() is called on the job, which must
                                                then be the start of the malloc'ed struct */
    int64_t
        reader;  /* the key whose reading this is: its turn comes among other keys'. 0: it is short, and goes first */
    bool upkeep; /* nobody waits for it: it goes in slices, while the thread rests most of the time. When the store
                    closes it has one slice more */
    bool reads;  /* work writes nothing: where all that wait are such, no write lock. A `reader` does so anyway */
    bool early;  /* done() may come before the commit, once work has run: what it writes is no promise. A commit that
                    then fails is not told; until one succeeds again, such a job waits for its own like any other */
    bool proves; /* whether a record can be written is proved before it runs, unless that was done STORE_PROBE_MS ago or
                    later: store_trouble() tells in done(). Such a job should read */
    struct error error;                     /* from here on the store's own */
    struct store_job *next, *behind, *last; /* turns.h */
    bool failed, more;
    unsigned batch; /* how many shared the transaction; 0 but in the first of them */
    uint64_t submitted_ns;
    uint64_t commit_ns; /* how long the transaction's commit took; 0 but in the first that waited for it */
};

#define STORE_MORE 1

#define STORE_QUEUE_MAX 100000 /* jobs waiting or running */
#define STORE_BATCH_MAX 256    /* jobs in one transaction */
#define STORE_PROBE_MS 1000u

/* What a slice may take: a work() that can go on later looks at the clock (slice.h). A statement of a reader that takes
 * STORE_READING_MS by itself is ended with ERROR_BUSY. */
#define STORE_READING_SLICE_NS UINT64_C(5000000)
#define STORE_UPKEEP_SLICE_NS UINT64_C(2000000)
#define STORE_READING_MS 2000u

int store_open(struct store **out, uv_loop_t *loop, const char *data_dir, struct error *error);
const char *store_instance(const struct store *store);
const unsigned char *store_cursor_key(const struct store *store); /* DB_CURSOR_KEY bytes */

/* Whether it is known that no record can be written; then `error` (may be NULL) says why. Any thread. */
bool store_trouble(struct store *store, struct error *error);

/* The end of an execution that could not be recorded (its job failed): a copy is kept in memory and written once that
 * can be done; at the latest it is tried when the store closes. 0, or -1: there are too many (owed.h), it is lost. */
int store_owe(struct store *store, const struct record *record);

/* Queues a job. Jobs of a line run in the order of these calls. At STORE_QUEUE_MAX, and after store_close, done()
 * fires (from the loop, later) with ERROR_UNAVAILABLE and work() is not called. On the loop's thread. */
void store_submit(struct store *store, struct store_job *job);
unsigned store_queued(const struct store *store); /* jobs waiting or running; any thread */

/* Runs what is queued (of upkeep a slice), ends the thread, closes the file; each done() has fired when `closed` (may
 * be NULL) fires on the loop. The store is gone then. */
void store_close(struct store *store, void (*closed)(void *arg), void *arg);

#endif
