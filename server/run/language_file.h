/* One language.json, read strictly: what the folder of a language says of it. */
#ifndef CODECELL_RUN_LANGUAGE_FILE_H
#define CODECELL_RUN_LANGUAGE_FILE_H

#include "run/languages.h"

#define LANGUAGE_FILE_MAX ((size_t)256 * 1024) /* bytes of a language.json */
#define LANGUAGE_STRINGS_MAX 128               /* members of an argv, of `aliases`, of `environment` */
#define LANGUAGE_COMPILE_TIMEOUT 30            /* seconds, where `compile` has no `timeout` */

/* Reads `json` (its text), the file of the folder called `id`. NULL with a sentence that begins with the field:
 * "compile.timeout: must be an integer from 1 to 300". */
struct language *language_read(const char *json, size_t len, const char *id, const struct limits *defaults,
                               const struct limits *maxima, struct error *error);
void language_free(struct language *language); /* NULL is fine */

#endif
