/* The fields of a language.json that each version may have of its own. */
#ifndef CODECELL_LANGUAGES_LANGUAGE_VERSION_FILE_H
#define CODECELL_LANGUAGES_LANGUAGE_VERSION_FILE_H

#include "base/fields.h"
#include "languages/language.h"

#define LANGUAGE_COMPILE_TIMEOUT 30       /* seconds, if `compile` has no `timeout` */
#define LANGUAGE_COMPILE_MEMORY_MAX 16384 /* MiB of its `memory_mb` */
#define LANGUAGE_STRINGS_MAX 128          /* words of a command, variables of an environment */
#define LANGUAGE_ALIASES_MAX 128

extern const struct fields language_version_fields;

/* Reads language->versions[0] from the file's own fields, and one more version from each item of `versions` (NULL:
 * none). The language's own fields must be set. 0, or -1 with a sentence. */
int language_versions_read(struct language *language, const json_t *file, const json_t *versions,
                           const struct limits *maxima, struct error *error);
void language_versions_free(struct language *language);

/* 1 to LANGUAGE_ID_MAX of a-z, 0-9 and `punctuation`, a letter or digit first. */
bool language_is_name(const char *text, const char *punctuation);

/* field.check of `aliases`, of a command's `argv` and of an `environment`. */
int language_aliases_check(const struct field_place *place, const struct field *field, const void *value);
int language_argv_check(const struct field_place *place, const struct field *field, const void *value);
int language_environment_check(const struct field_place *place, const struct field *field, const void *value);

#endif
