/* Which languages can run: asked of the engine when it comes up, and again every OFFERS_PERIOD_MS, so that an image
 * built or removed later counts without a restart.
 *
 *   image inspected ─ its facts known by the image's id ─────────────┐
 *          │        └ else asked in a cell: version, packages ─ kept ─ offered ─ cells kept waiting
 *          └ no such image: not offered
 *
 * One language after another. An image that declares volumes is refused: each would be a place to write to that no
 * limit covers. */
#ifndef CODECELL_RUN_OFFERS_H
#define CODECELL_RUN_OFFERS_H

#include "run/languages.h"

#include <uv.h>

struct engine;
struct pool;
struct store;
struct offers;

#define OFFERS_PERIOD_MS 30000u

struct offers_options {
    struct engine *engine;
    struct pool *pool;
    struct store *store;
    struct languages *languages;
    unsigned (*waiting)(void *arg, const char *language); /* how many cells to keep ready */
    void (*on_pass)(void *arg);                           /* after each pass through all languages; may be NULL */
    void *arg;
};

int offers_open(struct offers **out, uv_loop_t *loop, const struct offers_options *options, struct error *error);
void offers_check(struct offers *offers); /* begins a pass now, or after the one under way */
void offers_stop(struct offers *offers);  /* gives up what is under way; before the pool closes */
void offers_close(struct offers *offers, void (*closed)(void *arg), void *arg);

#endif
