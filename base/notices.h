/* What the log has warned of since the start, by event: how often, when, and what the last line said. The log notes
 * each line at LOG_WARN and above (log.h); other code may note what is worth telling an operator without a line.
 * Thread-safe.
 */
#ifndef CODECELL_BASE_NOTICES_H
#define CODECELL_BASE_NOTICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTICES_MAX 64 /* different events; further ones are not noted */
#define NOTICE_DETAIL_MAX 255

struct notice {
    const char *event; /* kept by pointer */
    bool failure;      /* an error, not a warning */
    uint64_t count;
    int64_t first_ms, last_ms;          /* Unix time */
    char detail[NOTICE_DETAIL_MAX + 1]; /* of the last one, cut to fit; any bytes */
};

void notices_note(const char *event, bool failure, const char *detail, int64_t now_ms);

/* Copies all of them, in the order in which they first came. Returns how many. */
size_t notices_read(struct notice out[NOTICES_MAX]);

void notices_reset(void); /* for tests */

#endif
