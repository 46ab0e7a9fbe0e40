/* What one version of a language is: read from the image's label, else from what is kept, else asked of the image
 * itself, if the caller allows that: it takes a container and seconds.
 *
 *   image inspected ─ its label answers (image_label.h) ────────────────────┐
 *          │        ├ else its facts are kept by the image's id ──────┤
 *          │        └ else asked in cells: version, packages ─ kept ─ told
 *          │                └ not allowed: unasked
 *          └ no such image, or one that declares volumes: left out
 *
 * An image that declares volumes is refused: each would be a place to write to that no limit covers. */
#ifndef CODECELL_LANGUAGES_IMAGE_FACTS_H
#define CODECELL_LANGUAGES_IMAGE_FACTS_H

#include "docker/engine/codec.h"
#include "languages/catalog.h"
#include "languages/image_command.h"

struct engine;
struct store;
struct facts_job;
struct call;

#define INQUIRY_FINGERPRINT_MAX (CODEC_ID_MAX + 20) /* the image's id and what is asked of it, with its NUL */

enum inquiry_end {
    INQUIRY_SAME,      /* the image is what it was when the version was offered */
    INQUIRY_TOLD,      /* `number`, `packages` and `fingerprint` are what it is */
    INQUIRY_UNASKED,   /* the image is there, and only a container can tell what it is */
    INQUIRY_LEFT_OUT,  /* `reason` is why it cannot be offered */
    INQUIRY_NO_ENGINE, /* it went away */
};

struct inquiry {
    struct engine *engine;
    struct pool *pool;
    struct store *store;
    /* Once, later; the struct is the caller's again, to begin another. */
    void (*done)(struct inquiry *inquiry, enum inquiry_end end);
    void *arg;

    struct language *language;
    struct language_version *version;
    char fingerprint[INQUIRY_FINGERPRINT_MAX];
    char number[VERSION_NUMBER_MAX + 1];
    json_t *packages; /* [{"name", "version"}]; the inquiry's reference, which `done` may take by setting NULL */
    const char *reason;

    /* its own */
    bool under_way, may_ask;
    struct call *call;
    struct probe probe;
    struct facts_job *reading; /* NULL: none under way; a stopped one is freed when it comes back */
};

/* With engine, pool, store, done and arg set. may_ask: in a container, if nothing else tells. */
void inquiry_begin(struct inquiry *inquiry, struct language *language, struct language_version *version, bool may_ask);
void inquiry_stop(struct inquiry *inquiry); /* no `done` after this; allowed where none is under way */

#endif
