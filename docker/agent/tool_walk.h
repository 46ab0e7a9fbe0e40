/* A walk over what lies below a folder, in the order of wire_path_compare(). It follows no link. Folders that their
 * mode closes are opened for as long as the walk is in them. */
#ifndef CODECELL_AGENT_TOOL_WALK_H
#define CODECELL_AGENT_TOOL_WALK_H

#include "docker/wire/entry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct walk {
    int folder;
    bool (*visit)(struct walk *walk, const struct stat *status, struct entry *entry); /* false: the walk ends */
    void *arg;
    uint64_t left_out; /* names whose paths are too long */
    char path[WIRE_PATH_MAX + 1];
    char target[ENTRY_TARGET_MAX + 1];
};

/* Visits what is at `path`, and what is below it down to `depth` folders; "": the folder itself, which is not visited.
 * False: a visit has ended it, or there is no memory. */
bool tool_walk(struct walk *walk, const char *path, uint32_t depth);

#endif
