/* One language: what its language.json says, which of its versions can run, and which one a request means. A language
 * has one version or several, each with an image and commands of its own. A version is offered once the engine has its
 * image and the version's number and packages are known (image_facts.h). A language is offered if one of its versions
 * is.
 */
#ifndef CODECELL_LANGUAGES_LANGUAGE_H
#define CODECELL_LANGUAGES_LANGUAGE_H

#include "base/arena.h"
#include "docker/cell/cell.h"
#include "languages/command.h"
#include "languages/limits.h"
#include "languages/version.h"

#include <jansson.h>
#include <stdbool.h>

#define LANGUAGE_ID_MAX 32
#define LANGUAGE_VERSIONS_MAX 16 /* of one language */

#define LANGUAGE_LACKS_IMAGE "the engine does not have its image" /* a reason of left_out */

/* How a program's output comes line by line although it goes to a pipe, for clients that read it while it runs. */
struct language_live {
    bool known; /* with run and env its output comes by the line */
    char **run; /* argv instead of the version's run; NULL: the same one */
    char **env; /* "NAME=value" over the version's env, NULL after the last; NULL: none */
};

struct language_version {
    char *name;                 /* of another implementation than the default ("clang"); NULL: the default one */
    char **aliases;             /* names of the language with this version; lower case, NULL after the last */
    char *image;                /* reference */
    char **compile;             /* argv, NULL: interpreted */
    uint64_t compile_ms;        /* the compile step's own limit */
    uint32_t compile_memory_mb; /* memory that it may use if the request's limit is below it; 0: the request's limit */
    char **run;                 /* argv; the request's args follow */
    char **evaluate;            /* the same for a request with `evaluate`; NULL: the version does not support it */
    char **kernel;              /* the same for a request with `kernel`, and without args */
    char **env;                 /* "NAME=value" */
    char **version_argv;        /* a command whose output holds the number */
    char **packages_argv;       /* prints "name version" lines; NULL: none */
    struct limits least;        /* it needs at least these */
    struct language_live live;  /* how its output is flushed by the line */
    struct command prewarmed;   /* what `kind` points to if it is prewarmed; else zeros */

    /* Set by availability.c. */
    bool offered;
    bool unasked;                            /* its image is there, and a container must tell its facts */
    const char *left_out;                    /* why it is not offered; NULL: not known yet, or offered */
    char *fingerprint;                       /* of its image, when its facts were read; NULL: not offered */
    char number[VERSION_NUMBER_MAX + 1];     /* "19.1.7" */
    char reported[VERSION_REPORTED_MAX + 1]; /* with its name before it if it has one: "clang-19.1.7" */
    json_t *packages;                        /* [{"name", "version"}] */
    struct cell_kind kind;
};

struct language {
    struct arena arena; /* holds all that was read */
    char *id, *name, *file;
    char **aliases;                    /* lower case, NULL after the last */
    struct limits limits;              /* its own defaults */
    bool lines_lf;                     /* `line_ends`: a CR at the end of a line breaks its programs */
    const char *evaluators, *kernels;  /* "python and javascript do": what supports `evaluate`, and `kernel`; NULL: none
                                          does. The catalog owns them */
    struct language_version *versions; /* the first is what the file's own fields describe */
    size_t versions_len;               /* at least 1 */
    char *example_code, *example_stdin, *example_stdout; /* stdin may be NULL */
};

/* The versions that are offered, the best first: those without a name before the others, these in order of their
 * names; the newest of each first; of two that report the same, one. Returns how many. */
size_t language_versions(const struct language *language, struct language_version *out[LANGUAGE_VERSIONS_MAX]);

/* The first of these; NULL: the language is not offered. */
struct language_version *language_default(const struct language *language);

/* The newest version that fits among the versions of the range's name, or of the name `default_name` if the range has
 * none (NULL or "": versions without a name). NULL: none fits. */
struct language_version *language_choose(const struct language *language, const struct version_range *range,
                                         const char *default_name);

bool language_asked(const struct language *language); /* it is known of each version whether it can run */

extern const struct fields language_fields;             /* what language_json() makes, for documents */
json_t *language_json(const struct language *language); /* as GET /api/v1/languages/{id} answers; a new reference */

#endif
