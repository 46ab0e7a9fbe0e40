/* What must be at a path in the moment of a change:
 *
 *   any        anything or nothing
 *   new        nothing, or FILE_EXISTS
 *   old        something, or FILE_CHANGED
 *   =TAG,TAG   something with one of these tags (entry_tag()), or FILE_CHANGED
 */
#ifndef CODECELL_AGENT_TOOL_CONDITION_H
#define CODECELL_AGENT_TOOL_CONDITION_H

#include "docker/wire/entry.h"

#include <stdbool.h>
#include <sys/stat.h>

enum condition_kind { CONDITION_ANY, CONDITION_NEW, CONDITION_OLD, CONDITION_TAGS };

struct condition {
    enum condition_kind kind;
    const char *tags; /* with commas between */
};

/* False: the argument is no condition. */
bool tool_condition_read(const char *arg, struct condition *out);

/* Whether what is there meets it. `status` NULL: there is nothing. */
enum file_exit tool_condition_check(const struct condition *condition, const struct stat *status);

#endif
