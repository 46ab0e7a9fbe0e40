/* All languages of a server, read from their folders at start. */
#ifndef CODECELL_LANGUAGES_CATALOG_H
#define CODECELL_LANGUAGES_CATALOG_H

#include "base/error.h"
#include "languages/language.h"

#define LANGUAGES_MAX 200 /* versions, of all languages */

struct catalog;

/* Reads every DIR/ID/language.json of the folders in `path` (':' between), in order of id. Each problem is given to
 * `complain` as a sentence that names file and field, and leaves out that language alone. 0, or -1 if a folder cannot
 * be read at all. */
int catalog_load(struct catalog **out, const char *path, const struct limits *defaults, const struct limits *maxima,
                 void (*complain)(const char *sentence, void *arg), void *arg, struct error *error);
void catalog_free(struct catalog *languages);
void catalog_without_prewarming(struct catalog *languages); /* nothing is prewarmed, in any language */

size_t catalog_count(const struct catalog *languages);
struct language *catalog_at(struct catalog *languages, size_t i); /* in order of id */

/* By id or alias, in any case; only languages that are offered. *version: the alias's own version if it has one, else
 * the default. NULL: none. */
struct language *catalog_find(struct catalog *languages, const char *name, struct language_version **version);

/* The language of this name if it is not offered yet, but may be once its images are known; else NULL. */
struct language *catalog_expected(struct catalog *languages, const char *name);

#endif
