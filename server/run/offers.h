/* Which versions of which languages can run: asked (inquiry.h) when the engine comes up, and again every
 * OFFERS_PERIOD_MS, so that an image built or removed later counts without a restart. A pass goes through the first
 * versions of all languages, then through the others, OFFERS_AT_ONCE of them side by side. */
#ifndef CODECELL_RUN_OFFERS_H
#define CODECELL_RUN_OFFERS_H

#include "docker/pool.h"
#include "run/languages.h"

#include <uv.h>

struct engine;
struct store;
struct offers;

#define OFFERS_PERIOD_MS 30000u
#define OFFERS_AT_ONCE 2

struct offers_options {
    struct engine *engine;
    struct pool *pool;
    struct store *store;
    struct languages *languages;
    /* How many cells to keep ready; `usual`: of the language's default version. */
    struct pool_keep (*waiting)(void *arg, const char *language, bool usual);
    void (*on_pass)(void *arg); /* after each pass through all languages; may be NULL */
    void *arg;
};

int offers_open(struct offers **out, uv_loop_t *loop, const struct offers_options *options, struct error *error);
void offers_check(struct offers *offers); /* begins a pass now, or after the one under way */
void offers_stop(struct offers *offers);  /* gives up what is under way; before the pool closes */
void offers_close(struct offers *offers, void (*closed)(void *arg), void *arg);

#endif
