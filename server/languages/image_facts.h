/* The facts of one version of a language: its number and its packages. They come from the image's label, else from the
 * database, else from the image itself if the caller allows that, because it takes a container and seconds.
 *
 *   image inspected ─ its label answers (image_label.h) ────────────────────┐
 *          │        ├ else the database has facts for the image's id ───────┤
 *          │        └ else the image runs the commands: version, packages ─ stored ─ done
 *          │                └ not allowed: unasked
 *          └ no such image, or one that declares volumes: left out
 *
 * An image that declares volumes is refused: each would be a place to write to that no limit covers. */
#ifndef CODECELL_LANGUAGES_IMAGE_FACTS_H
#define CODECELL_LANGUAGES_IMAGE_FACTS_H

#include "docker/engine/codec_read.h"
#include "languages/image_command.h"
#include "languages/language.h"

struct engine;
struct store;
struct image_facts_job;
struct call;

#define IMAGE_FACTS_FINGERPRINT_MAX \
    (CODEC_ID_MAX + 20) /* bytes of the image's id and a hash of the commands, with its NUL */

enum image_facts_end {
    IMAGE_FACTS_SAME,      /* the image is what it was when the version was offered */
    IMAGE_FACTS_TOLD,      /* `number`, `packages` and `fingerprint` are set */
    IMAGE_FACTS_UNASKED,   /* the image is there, and only a container can tell what it is */
    IMAGE_FACTS_LEFT_OUT,  /* `reason` is why it cannot be offered */
    IMAGE_FACTS_NO_ENGINE, /* the engine went away */
};

struct image_facts {
    struct engine *engine;
    struct pool *pool;
    struct store *store;
    /* Fires once, later. After it the struct may begin another inquiry. */
    void (*done)(struct image_facts *inquiry, enum image_facts_end end);
    void *arg;

    struct language *language;
    struct language_version *version;
    char fingerprint[IMAGE_FACTS_FINGERPRINT_MAX];
    char number[VERSION_NUMBER_MAX + 1];
    json_t *packages; /* [{"name", "version"}]; the inquiry's reference, which `done` may take by setting NULL */
    const char *reason;

    /* private */
    bool under_way, may_ask;
    struct call *call;
    struct image_command command;
    struct image_facts_job *reading; /* NULL: none under way; a stopped one is freed when it comes back */
};

/* engine, pool, store, done and arg must be set. may_ask: the image may be asked in a container if neither its label
 * nor the database has the facts. */
void image_facts_begin(struct image_facts *inquiry, struct language *language, struct language_version *version,
                       bool may_ask);
void image_facts_stop(struct image_facts *inquiry); /* no `done` after this; allowed if none is under way */

#endif
