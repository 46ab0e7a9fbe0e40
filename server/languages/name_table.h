/* What languages are called: a table from id and alias, any case, to the language and the version that the name stands
 * for. Each name is there once. */
#ifndef CODECELL_LANGUAGES_NAME_TABLE_H
#define CODECELL_LANGUAGES_NAME_TABLE_H

#include "languages/catalog.h"

struct name {
    const char *text; /* a part of the language */
    struct language *language;
    struct language_version *version; /* whose own alias it is; NULL: the language's */
};

/* All zero at first. */
struct names {
    struct name *items; /* in order of text */
    size_t len, room;
};

/* Adds every name of a language. 0, or -1 with the field and the name that is there already, and none is added. */
int names_add(struct names *names, struct language *language, struct error *error);

const struct name *names_find(const struct names *names, const char *text); /* NULL: there is none */

void names_free(struct names *names);

#endif
