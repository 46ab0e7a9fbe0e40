/* Patterns of paths, as shells have them: `*` and `?` within a name, `[abc]`, `[a-z]` and `[!a]`, and `**` as a name of
 * its own for any number of folders, also none; at the end of a pattern, for every file below. A name that starts with
 * a dot is matched only if the pattern spells that dot. A `[` that nothing closes stands for itself, and a name that is
 * spelled exactly as in the pattern always matches. `?` and `[...]` match a character of UTF-8, or one byte that
 * belongs to none.
 *
 * A tree is matched as it is walked: each folder has a set of the places in the pattern at which its names go on. So a
 * name costs a pass over the pattern, and a folder of which no place is left need not be looked into. */
#ifndef CODECELL_AGENT_GLOB_H
#define CODECELL_AGENT_GLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLOB_NAMES_MAX 62u /* of a pattern */

typedef uint64_t glob_set; /* bit N: the pattern's name N is next */

struct glob {
    const char *names[GLOB_NAMES_MAX + 1];
    size_t lens[GLOB_NAMES_MAX + 1];
    unsigned count;
};

/* Reads a pattern, which must be a relative path and outlive the glob. False: it is not, or has too many names. */
bool glob_read(struct glob *glob, const char *pattern);

glob_set glob_start(const struct glob *glob); /* for the names in the top folder */

/* What is left of `set` behind a name. */
glob_set glob_enter(const struct glob *glob, glob_set set, const char *name);

/* Of a set behind a name: whether the name ends a match, and whether something below it may match. */
bool glob_matched(const struct glob *glob, glob_set set);
bool glob_goes_on(const struct glob *glob, glob_set set);

#endif
