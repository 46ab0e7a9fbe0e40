#include "store/copier.h"

#include "store/db.h"

#include <stdlib.h>
#include <uv.h>

struct copier {
    struct driver *driver; /* the thread's */
    uv_thread_t thread;
    uv_mutex_t mutex; /* guards what follows */
    uv_cond_t wake;
    bool asked; /* until the copy is over */
    bool closing;
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
        copier->driver->calls->checkpoint(copier->driver);
        uv_mutex_lock(&copier->mutex);
        copier->asked = false;
    }
    uv_mutex_unlock(&copier->mutex);
}

static void copier_free(struct copier *copier)
{
    if (copier->driver != NULL)
        copier->driver->calls->close(copier->driver);
    uv_cond_destroy(&copier->wake);
    uv_mutex_destroy(&copier->mutex);
    free(copier);
}

/* A connection that has read nothing does not know the log, and would copy nothing. */
static int copier_connect(struct copier *copier, const struct driver *driver)
{
    struct driver_schema schema;

    if (driver->calls->open(&copier->driver, driver->calls->place(driver), NULL) != 0)
        return -1;
    return driver->calls->read_schema(copier->driver, &schema, NULL);
}

struct copier *copier_open(struct db *db)
{
    struct copier *copier = calloc(1, sizeof *copier);

    if (copier == NULL)
        return NULL;
    uv_mutex_init(&copier->mutex);
    uv_cond_init(&copier->wake);
    if (copier_connect(copier, db_driver(db)) == 0 && uv_thread_create(&copier->thread, copier_main, copier) == 0)
        return copier;
    copier_free(copier);
    return NULL;
}

bool copier_ask(struct copier *copier)
{
    if (copier == NULL)
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
    if (copier == NULL)
        return false;
    uv_mutex_lock(&copier->mutex);
    bool works = copier->asked;
    uv_mutex_unlock(&copier->mutex);
    return works;
}

void copier_close(struct copier *copier)
{
    if (copier == NULL)
        return;
    uv_mutex_lock(&copier->mutex);
    copier->closing = true;
    uv_cond_signal(&copier->wake);
    uv_mutex_unlock(&copier->mutex);
    uv_thread_join(&copier->thread);
    copier_free(copier);
}
