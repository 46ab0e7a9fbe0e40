/* Which versions of which languages can run. They are looked at (image_facts.h) when the engine comes up, and again
 * every AVAILABILITY_PERIOD_MS, so that an image that is built or removed later counts without a restart. A pass looks
 * at the images of all versions, first versions first, and offers each version whose image has a label. Then it asks
 * the other images in containers, AVAILABILITY_AT_ONCE side by side.
 *
 * A request does not wait for a pass: the language that it waits for (struct availability_wait) comes before everything
 * else, in inquiries that are kept for requests. */
#ifndef CODECELL_LANGUAGES_AVAILABILITY_H
#define CODECELL_LANGUAGES_AVAILABILITY_H

#include "docker/pool/pool.h"
#include "languages/catalog.h"

#include <uv.h>

struct engine;
struct store;
struct availability;

#define AVAILABILITY_PERIOD_MS 30000u
#define AVAILABILITY_AT_ONCE 2
#define AVAILABILITY_WANTED_AT_ONCE 8 /* further inquiries, only for requests that wait */

struct availability_options {
    struct engine *engine;
    struct pool *pool;
    struct store *store;
    struct catalog *languages;
    unsigned waits_max; /* requests that may wait for a language */
    /* How many idle cells a version should have; `is_default`: it is the language's default version. */
    struct pool_keep (*keep)(void *arg, const char *language, bool is_default);
    void (*on_pass)(void *arg); /* after each pass through all languages; may be NULL */
    void *arg;
};

int availability_open(struct availability **out, uv_loop_t *loop, const struct availability_options *options,
                      struct error *error);
void availability_check(struct availability *offers); /* begins a pass now, or after the one under way */

/* A request that waits until all versions of a language are known. Embedded in the caller's struct. */
struct availability_wait {
    struct language *language;
    /* Called once, perhaps from within availability_await(): the versions are known, or the time is over, or they
     * cannot become known now because the engine is away or the server stops. */
    void (*done)(struct availability_wait *wait);
    /* private */
    struct availability_wait *next, *prev;
    uint64_t until_ms;
};

/* 0, or -1 with a 503's sentence, and no `done` then. */
int availability_await(struct availability *offers, struct availability_wait *wait, uint64_t limit_ms,
                       struct error *error);
void availability_leave(struct availability *offers, struct availability_wait *wait); /* no `done` after this */

void availability_drain(struct availability *offers); /* ends all waits */
void availability_stop(struct availability *offers);  /* gives up what is under way; before the pool closes */
void availability_close(struct availability *offers, void (*closed)(void *arg), void *arg);

#endif
