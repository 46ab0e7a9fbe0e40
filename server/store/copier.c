#include "store/copier.h"

#include "store/db.h"

#include <stdlib.h>
#include <uv.h>

struct copier {
    sqlite3 *handle; /* the thread's */
    uv_thread_t thread;
    uv_mutex_t mutex; /* for what follows */
    uv_cond_t wake;
    bool asked, closing; /* asked: until the copy is over */
};

static void copier_main(void *arg)
{
    struct copier *copier = arg;
    uv_mutex_lock(&copier->mutex);
    for (;;) {
        while (!copier->asked && !copier->closing)
            uv_cond_wait(&copier->wake, &copier->mutex);
        if (copier->closing)
            break;
        uv_mutex_unlock(&copier->mutex);
        /* Where a reader or the disk keeps it from going through, the next one goes on with it. */
        sqlite3_wal_checkpoint_v2(copier->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        uv_mutex_lock(&copier->mutex);
        copier->asked = false;
    }
    uv_mutex_unlock(&copier->mutex);
}

static void copier_free(struct copier *copier)
{
    sqlite3_close(copier->handle);
    uv_cond_destroy(&copier->wake);
    uv_mutex_destroy(&copier->mutex);
    free(copier);
}

/* A connection that has read nothing does not know that there is a log, and copies none. */
static int copier_connect(struct copier *copier, const char *path)
{
    int result = sqlite3_open_v2(path, &copier->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    return result == SQLITE_OK ? sqlite3_exec(copier->handle, "PRAGMA user_version", NULL, NULL, NULL) : result;
}

struct copier *copier_open(struct db *db)
{
    struct copier *copier = calloc(1, sizeof(*copier));
    const char *path = sqlite3_db_filename(db_handle(db), "main");
    if (!copier)
        return NULL;
    uv_mutex_init(&copier->mutex);
    uv_cond_init(&copier->wake);
    if (copier_connect(copier, path) == SQLITE_OK && uv_thread_create(&copier->thread, copier_main, copier) == 0)
        return copier;
    copier_free(copier);
    return NULL;
}

bool copier_ask(struct copier *copier)
{
    if (!copier)
        return false;
    uv_mutex_lock(&copier->mutex);
    bool idle = !copier->asked;
    copier->asked = true;
    uv_cond_signal(&copier->wake);
    uv_mutex_unlock(&copier->mutex);
    return idle;
}

bool copier_works(struct copier *copier)
{
    if (!copier)
        return false;
    uv_mutex_lock(&copier->mutex);
    bool works = copier->asked;
    uv_mutex_unlock(&copier->mutex);
    return works;
}

void copier_close(struct copier *copier)
{
    if (!copier)
        return;
    uv_mutex_lock(&copier->mutex);
    copier->closing = true;
    uv_cond_signal(&copier->wake);
    uv_mutex_unlock(&copier->mutex);
    uv_thread_join(&copier->thread);
    copier_free(copier);
}
