/* What HTTP says of a file: its tag and date, conditions, a range. Pure. */
#ifndef CODECELL_API_FILE_TAG_H
#define CODECELL_API_FILE_TAG_H

#include "base/error.h"
#include "docker/wire/entry.h"

#define FILE_TAG_MAX 64
#define FILE_CONDITION_MAX 512

/* The tag, without quotes. */
void file_tag(const struct entry *entry, char out[FILE_TAG_MAX]);

/* The agent's condition (docs/internals/files-tool.md) of If-Match and If-None-Match (NULL: not said). 0, or -1 with
 * ERROR_INVALID. */
int file_condition(const char *match, const char *none_match, char out[FILE_CONDITION_MAX], struct error *error);

struct file_range {
    bool partial;
    uint64_t offset, length;
};

/* One range of a file with `size` bytes. A header that we do not understand, or that names several ranges, counts as
 * none. 0, or -1: it lies behind the end. */
int file_range_read(const char *header, uint64_t size, struct file_range *out);

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
void file_date(int64_t mtime_ns, char *out, size_t room);

#endif
