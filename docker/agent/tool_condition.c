#include "docker/agent/tool_condition.h"

#include "docker/agent/tool_place.h"

#include <string.h>

bool tool_condition_read(const char *arg, struct condition *out)
{
    static const char *const words[] = {[CONDITION_ANY] = "any", [CONDITION_NEW] = "new", [CONDITION_OLD] = "old"};
    *out = (struct condition){.kind = CONDITION_TAGS, .tags = arg + 1};
    for (unsigned kind = CONDITION_ANY; kind <= CONDITION_OLD; kind++)
        if (strcmp(arg, words[kind]) == 0)
            out->kind = kind;
    return out->kind != CONDITION_TAGS || arg[0] == '=';
}

static bool has_tag(const char *tags, const struct stat *status)
{
    char tag[ENTRY_TAG_SIZE];
    entry_tag(tag, (uint64_t)status->st_size, tool_place_mtime(status));
    for (const char *next = tags; *next; next += strspn(next, ",")) {
        size_t len = strcspn(next, ",");
        if (len == strlen(tag) && memcmp(next, tag, len) == 0)
            return true;
        next += len;
    }
    return false;
}

enum file_exit tool_condition_check(const struct condition *condition, const struct stat *status)
{
    switch (condition->kind) {
    case CONDITION_NEW:
        return status ? FILE_EXISTS : FILE_DONE;
    case CONDITION_OLD:
        return status ? FILE_DONE : FILE_CHANGED;
    case CONDITION_TAGS:
        return status && has_tag(condition->tags, status) ? FILE_DONE : FILE_CHANGED;
    case CONDITION_ANY:
        break;
    }
    return FILE_DONE;
}
