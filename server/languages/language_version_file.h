/* The fields of a language.json that each version may have of its own. */
#ifndef CODECELL_LANGUAGES_LANGUAGE_VERSION_FILE_H
#define CODECELL_LANGUAGES_LANGUAGE_VERSION_FILE_H

#include "base/json_reader.h"
#include "languages/language.h"

#define LANGUAGE_COMPILE_TIMEOUT 30       /* seconds, if `compile` has no `timeout` */
#define LANGUAGE_COMPILE_MEMORY_MAX 16384 /* MiB of its `memory_mb` */

/* Reads language->versions[0] from the file's own fields, and one more version from each entry of `versions`. The
 * language's id and limits must be set. 0, or -1 with a sentence. */
int language_versions_read(const struct reader *file, const struct limits *maxima, struct language *language);
void language_versions_free(struct language *language);

/* Reads the object `environment` as "NAME=value", NULL after the last; none is fine. *out is to be freed in any case.
 */
int language_environment_read(const struct reader *in, char ***out);

#endif
