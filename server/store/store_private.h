/* The store's two halves: store.c is the loop's, store_thread.c is the thread's. */
#ifndef CODECELL_STORE_STORE_PRIVATE_H
#define CODECELL_STORE_STORE_PRIVATE_H

#include "base/container_of.h"
#include "base/metrics.h"
#include "base/text.h"
#include "base/waker.h"
#include "store/copier.h"
#include "store/owed.h"
#include "store/store.h"
#include "store/turns.h"

#include <stdatomic.h>

#define STORE_TROUBLED_PATIENCE_MS 100 /* a check in doubt should not delay jobs that only read for longer */

enum store_life {
    STORE_OPEN,
    STORE_CLOSING, /* takes no more jobs, and runs those that it has */
    STORE_ENDED,   /* has run them, and takes no more owed records */
    STORE_CLOSED   /* has closed the file: the thread is about to end */
};

struct store {
    /* The thread's. */
    struct db *db;
    struct copier *copier; /* NULL: there is none, and the thread copies the log itself if it is long */
    bool ailing;           /* the last commit failed */
    uint64_t tend_at;      /* when the next check is due, if there is doubt */
    uint64_t proved_ns;    /* when a check last succeeded; 0: never */
    uint64_t held_ns;      /* since when upkeep waits for the copier; 0: it does not */

    struct waker waker; /* of the loop */
    uv_thread_t thread;
    uv_mutex_t mutex; /* guards what follows, down to `trouble` */
    uv_cond_t wake;
    struct turns turns;
    atomic_bool wanted; /* the first line has a job; changed under the mutex, read by the thread's slices */
    struct list finished;
    atomic_uint queued; /* changed under the mutex, read by any thread */
    enum store_life life;
    struct owed owed;
    struct error trouble; /* ERROR_NONE: none */
    atomic_bool troubled; /* whether there is trouble, for a look without the mutex */

    struct metric *length, *seconds, *batch_jobs, *commit_seconds;
    void (*closed)(void *arg);
    void *arg;
    char instance[UUID_LEN + 1];
    unsigned char cursor_key[DB_CURSOR_KEY];
};

static inline struct store_job *store_job_of(struct list *node)
{
    return container_of(node, struct store_job, node);
}

/* With the mutex held. */
void store_set_life(struct store *store, enum store_life life);
void store_set_queued(struct store *store, unsigned queued);

/* The thread's main function: runs the queue until the store closes, and closes the file. */
void store_thread(void *store);

#endif
