#include "api/file_tag.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Static_assert(FILE_TAG_MAX >= ENTRY_TAG_SIZE, "a tag fits");

void file_tag(const struct entry *entry, char out[FILE_TAG_MAX])
{
    entry_tag(out, entry->size, entry->mtime_ns);
}

/* The next tag of a list: moves *header past it. NULL: there is none. */
static const char *next_tag(const char **header, size_t *len)
{
    const char *at = *header + strspn(*header, ", \t");

    if (strncmp(at, "W/", 2) == 0)
        at += 2;
    const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
    if (end == NULL)
        return NULL;
    *header = end + 1;
    *len = (size_t)(end - at - 1);
    return at + 1;
}

static int condition_of_tags(const char *match, char out[FILE_CONDITION_MAX], struct error *error)
{
    const char *one;
    size_t len, used = 0;

    while ((one = next_tag(&match, &len)) != NULL) {
        if (used + len + 2 >= FILE_CONDITION_MAX || memchr(one, ',', len) != NULL)
            return error_set(error, ERROR_INVALID, "If-Match: too many tags, or not ours");
        used += (size_t)snprintf(out + used, FILE_CONDITION_MAX - used, "%s%.*s", used == 0 ? "=" : ",", (int)len, one);
    }
    return used > 0 ? 0 : error_set(error, ERROR_INVALID, "If-Match: must be * or tags in quotes");
}

int file_condition(const char *match, const char *none_match, char out[FILE_CONDITION_MAX], struct error *error)
{
    if (match != NULL && none_match != NULL)
        return error_set(error, ERROR_INVALID, "If-Match and If-None-Match: only one of them");
    if (none_match != NULL && strcmp(none_match, "*") != 0)
        return error_set(error, ERROR_INVALID, "If-None-Match: must be * here");
    if (match != NULL && strcmp(match, "*") != 0)
        return condition_of_tags(match, out, error);
    snprintf(out, FILE_CONDITION_MAX, "%s", match != NULL ? "old" : none_match != NULL ? "new" : "any");
    return 0;
}

static int range_of(const char *text, uint64_t size, struct file_range *out)
{
    char *end;
    uint64_t first, last = size - 1;

    if (*text == '-') { /* the last bytes */
        uint64_t count = strtoull(text + 1, &end, 10);
        if (end == text + 1 || *end != '\0')
            return 0;
        if (count == 0 || size == 0)
            return -1;
        first = count < size ? size - count : 0;
    } else {
        first = strtoull(text, &end, 10);
        if (end == text || *end != '-')
            return 0;
        const char *rest = end + 1;
        uint64_t said = strtoull(rest, &end, 10);
        if (*end != '\0' || (end != rest && said < first))
            return 0;
        if (first >= size)
            return -1;
        if (end != rest && said < last)
            last = said;
    }
    *out = (struct file_range){.partial = true, .offset = first, .length = last - first + 1};
    return 0;
}

int file_range_read(const char *header, uint64_t size, struct file_range *out)
{
    static const char unit[] = "bytes=";

    *out = (struct file_range){.length = size};
    if (header == NULL || strncmp(header, unit, sizeof unit - 1) != 0)
        return 0;
    header += sizeof unit - 1;
    if (header[strspn(header, "0123456789-")] != '\0')
        return 0;
    return range_of(header, size, out);
}

void file_date(int64_t mtime_ns, char *out, size_t room)
{
    time_t seconds = (time_t)(mtime_ns / 1000000000);
    struct tm parts;

    if (gmtime_r(&seconds, &parts) == NULL || strftime(out, room, "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0)
        snprintf(out, room, "Thu, 01 Jan 1970 00:00:00 GMT");
}
