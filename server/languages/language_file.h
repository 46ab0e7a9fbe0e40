/* Reads a language.json strictly. */
#ifndef CODECELL_LANGUAGES_LANGUAGE_FILE_H
#define CODECELL_LANGUAGES_LANGUAGE_FILE_H

#include "base/fields.h"
#include "languages/language.h"

#define LANGUAGE_FILE_MAX ((size_t)256 * 1024) /* bytes of a language.json */

extern const struct fields language_file_fields;

/* Reads `json` (its text), the file of the folder called `id`. NULL with a sentence that begins with the field:
 * "compile.timeout: must be an integer from 1 to 300". */
struct language *language_read(const char *json, size_t len, const char *id, const struct limits *defaults,
                               const struct limits *maxima, struct error *error);
void language_free(struct language *language); /* NULL is fine */

#endif
