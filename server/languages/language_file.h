/* One language.json, read strictly: what the folder of a language says of it. */
#ifndef CODECELL_LANGUAGES_LANGUAGE_FILE_H
#define CODECELL_LANGUAGES_LANGUAGE_FILE_H

#include "base/json_reader.h"
#include "languages/catalog.h"

#define LANGUAGE_FILE_MAX ((size_t)256 * 1024) /* bytes of a language.json */
#define LANGUAGE_COMPILE_TIMEOUT 30            /* seconds, where `compile` has no `timeout` */
#define LANGUAGE_COMPILE_MEMORY_MAX 16384      /* MiB of its `memory_mb` */

/* Reads `json` (its text), the file of the folder called `id`. NULL with a sentence that begins with the field:
 * "compile.timeout: must be an integer from 1 to 300". */
struct language *language_read(const char *json, size_t len, const char *id, const struct limits *defaults,
                               const struct limits *maxima, struct error *error);
void language_free(struct language *language); /* NULL is fine */

/* language_version_file.c: the fields of language->versions[0] from the file's object, and of one more for each entry
 * of `versions`. The language's id and limits must be there. 0, or -1 with a sentence. */
int language_versions_read(const struct reader *file, const struct limits *maxima, struct language *language);
void language_versions_free(struct language *language);

/* The object `environment` as "NAME=value", NULL after the last; absent is none. *out is to be freed in any case. */
int language_environment_read(const struct reader *in, char ***out);

/* language_live_file.c: `live` of a version whose run is there. 0, or -1 with a sentence; freed in both cases by the
 * second. */
int language_live_read(const struct reader *in, char *const *run, struct language_live *live);
void language_live_clear(struct language_live *live);

/* An array of aliases; absent is none. */
int language_aliases_read(const struct reader *in, char ***out);

#endif
