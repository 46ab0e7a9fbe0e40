/* What languages are called: a table from id and alias, any case, to the language and the version that the name stands
 * for. Each name is there once. */
#ifndef CODECELL_LANGUAGES_NAME_TABLE_H
#define CODECELL_LANGUAGES_NAME_TABLE_H

#include "languages/language.h"

struct name_entry {
    const char *text; /* a part of the language */
    struct language *language;
    struct language_version *version; /* whose own alias it is; NULL: the language's */
};

/* All zero at first. */
struct name_table {
    struct name_entry *items; /* in order of text */
    size_t len, room;
};

/* Adds every name of a language. 0, or -1 with the field and the name that is there already, and none is added. */
int name_table_add(struct name_table *names, struct language *language, struct error *error);

const struct name_entry *name_table_find(const struct name_table *names, const char *text); /* NULL: there is none */

void name_table_free(struct name_table *names);

#endif
