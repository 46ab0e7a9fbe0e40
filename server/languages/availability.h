/* Which versions of which languages can run: asked (image_facts.h) when the engine comes up, and again every
 * OFFERS_PERIOD_MS, so that an image built or removed later counts without a restart. A pass looks at the images of all
 * versions, the first ones before the others, and offers those whose images say what they hold; those that have to be
 * asked in a container come behind, OFFERS_AT_ONCE side by side.
 *
 * A request need not wait for that: what it waits for (struct offers_wait) goes before all else, in inquiries that
 * nothing else is given. */
#ifndef CODECELL_LANGUAGES_AVAILABILITY_H
#define CODECELL_LANGUAGES_AVAILABILITY_H

#include "docker/pool/pool.h"
#include "languages/catalog.h"

#include <uv.h>

struct engine;
struct store;
struct offers;

#define OFFERS_PERIOD_MS 30000u
#define OFFERS_AT_ONCE 2
#define OFFERS_WANTED_AT_ONCE 8 /* more, for what requests wait for */

struct offers_options {
    struct engine *engine;
    struct pool *pool;
    struct store *store;
    struct languages *languages;
    unsigned waits_max; /* requests that may wait for a language */
    /* How many cells to keep ready; `usual`: of the language's default version. */
    struct pool_keep (*waiting)(void *arg, const char *language, bool usual);
    void (*on_pass)(void *arg); /* after each pass through all languages; may be NULL */
    void *arg;
};

int offers_open(struct offers **out, uv_loop_t *loop, const struct offers_options *options, struct error *error);
void offers_check(struct offers *offers); /* begins a pass now, or after the one under way */

/* A request that waits until all versions of a language are known. Embedded in the caller's struct. */
struct offers_wait {
    struct language *language;
    /* Once, maybe from within offers_await: they are known, or not within the time, or not now, for the engine is away
     * or the server stops. */
    void (*done)(struct offers_wait *wait);
    /* its own */
    struct offers_wait *next, *prev;
    uint64_t until_ms;
};

/* 0, or -1 with a 503's sentence, and no `done` then. */
int offers_await(struct offers *offers, struct offers_wait *wait, uint64_t limit_ms, struct error *error);
void offers_leave(struct offers *offers, struct offers_wait *wait); /* no `done` after this */

void offers_drain(struct offers *offers); /* nobody waits any more */
void offers_stop(struct offers *offers);  /* gives up what is under way; before the pool closes */
void offers_close(struct offers *offers, void (*closed)(void *arg), void *arg);

#endif
