/* The field `live` of a version: how its output comes line by line. */
#ifndef CODECELL_LANGUAGES_LANGUAGE_LIVE_FILE_H
#define CODECELL_LANGUAGES_LANGUAGE_LIVE_FILE_H

#include "base/json_reader.h"
#include "languages/language.h"

/* Reads `live` of a version whose argv is `run`. 0, or -1 with a sentence; language_live_clear() is the caller's in
 * both cases. */
int language_live_read(const struct reader *in, char *const *run, struct language_live *live);
void language_live_clear(struct language_live *live);

#endif
