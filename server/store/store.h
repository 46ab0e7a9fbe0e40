/* The database's thread: an ordered queue of jobs, run one after another off the loop. What waits at
 * the same time shares one transaction: a job's done() comes after its commit. A job that fails is
 * rolled back alone (savepoint); where the commit itself fails, each of its jobs fails. */
#ifndef CODECELL_STORE_STORE_H
#define CODECELL_STORE_STORE_H

#include "store/db.h"

#include <uv.h>

struct store;

/* Embedded in the caller's struct; lives until done(), or until the queue is through where done is NULL. */
struct store_job {
    int (*work)(struct db *db, struct store_job *job, struct error *error); /* on the database's thread; 0, or -1 */
    void (*done)(struct store_job *job,
                 const struct error *error); /* on the loop; error NULL: it is committed. May be
                                                NULL: nobody waits, and free() is called on the job */
    struct error error;                      /* the store's own */
    struct store_job *next;
    int failed;
};

#define STORE_QUEUE_MAX 100000

int store_open(struct store **out, uv_loop_t *loop, const char *data_dir, struct error *error);
const char *store_instance(const struct store *store);

/* Queues a job. Jobs run in the order of these calls. At STORE_QUEUE_MAX done() fires (from the loop,
 * later) with ERROR_UNAVAILABLE. */
void store_submit(struct store *store, struct store_job *job);
unsigned store_queued(const struct store *store); /* jobs waiting or running; any thread */

/* Runs what is queued, ends the thread, closes the file, then `closed` on the loop, then it is freed. */
void store_close(struct store *store, void (*closed)(void *arg), void *arg);

#endif
