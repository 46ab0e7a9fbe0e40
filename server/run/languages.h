/* The languages: folders with a language.json, read at start. What is wrong in one is said with its
 * file and field, and only that language is left out. A language is offered once the engine has its
 * image and the image has told its version and packages (asked in a cell, kept by the image's id). */
#ifndef CODECELL_RUN_LANGUAGES_H
#define CODECELL_RUN_LANGUAGES_H

#include "base/error.h"
#include "docker/cell.h"
#include "run/command.h"
#include "run/limits.h"

#include <jansson.h>
#include <stdbool.h>

#define LANGUAGE_ID_MAX 32
#define LANGUAGES_MAX 200

struct language {
    char *id, *name, *image, *file;
    char **aliases;                                      /* lower case, NULL after the last */
    char **compile;                                      /* argv, NULL: interpreted */
    uint64_t compile_ms;                                 /* the compile step's own limit */
    char **run;                                          /* argv; the request's args follow */
    char **version_argv;                                 /* a command whose output holds the version */
    char **packages_argv;                                /* prints "name version" lines; NULL: none */
    char **env;                                          /* "NAME=value" */
    struct limits limits;                                /* its own defaults */
    struct run_command waiting;                          /* `waiting`: what `kind` points to; zeros: not waiting */
    char *example_code, *example_stdin, *example_stdout; /* stdin may be NULL */

    /* Set when the engine has been asked. */
    bool offered;
    const char *left_out; /* why it is not offered; NULL: not asked yet, or offered */
    char *fingerprint;    /* what its image was when it was asked; NULL: not offered */
    char *version;
    json_t *packages; /* [{"name", "version"}] */
    struct cell_kind kind;
};

struct languages;

/* Reads every DIR/ID/language.json of the folders in `path` (':' between), in order of id. Each problem is given to
 * `complain` as a sentence that names file and field. 0, or -1 where a folder cannot be read at all. */
int languages_load(struct languages **out, const char *path, const struct limits *defaults, const struct limits *maxima,
                   void (*complain)(const char *sentence, void *arg), void *arg, struct error *error);
void languages_free(struct languages *languages);
void languages_start_late(struct languages *languages); /* no interpreter is started ahead of its job, in any */

size_t languages_count(const struct languages *languages);
struct language *languages_at(struct languages *languages, size_t i); /* in order of id */

/* By id or alias, any case; only those that are offered. NULL: unknown. */
struct language *languages_find(struct languages *languages, const char *name);

/* Whether a language of this name is there that the engine has not been asked about yet. */
bool languages_expected(struct languages *languages, const char *name);

/* The first thing in a text that looks like a version: digits with at least one dot ("3.13.5"), else the first
 * number. 0, or -1 where there is none or it is longer than the room. */
int language_version_in(const char *text, char *out, size_t room);

json_t *language_json(const struct language *language); /* as GET /api/v1/languages/{id} answers; a new reference */

#endif
