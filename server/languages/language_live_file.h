/* The field `live` of a version: how its output comes line by line. */
#ifndef CODECELL_LANGUAGES_LANGUAGE_LIVE_FILE_H
#define CODECELL_LANGUAGES_LANGUAGE_LIVE_FILE_H

#include "base/fields.h"
#include "languages/language.h"

/* Reads `value` (NULL: absent) of the version that `up` is the place of and whose command is `run`. `true`: the output
 * comes line by line anyway. An object: what must change in the run step for that, which are variables, words before
 * its command, or another command. 0, or -1 with a sentence. */
int language_live_read(const struct field_place *up, const json_t *value, char *const *run, struct language_live *live);

#endif
