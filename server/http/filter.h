/* Filters of answers: each may change the bytes of a body on their way to the client, whole bodies and flowing ones
 * alike (gzip.h). */
#ifndef CODECELL_HTTP_FILTER_H
#define CODECELL_HTTP_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct http_exchange;

#define HTTP_FILTERS_MAX 4 /* of a server */

struct http_filter {
    /* Looks at an answer that may have a body of `len` bytes (-1: not known, because it flows). Returns the filter's
     * state for it; NULL: the filter leaves this answer alone. May add headers to the answer. */
    void *(*open)(struct http_exchange *ex, int status, const char *type, int64_t len);
    /* Takes the next bytes, all of them, and appends what the client should get instead to `out`. last: no more will
     * come. 0, or -1: out of memory. Any thread, but one at a time. */
    int (*take)(void *state, const char *data, size_t len, bool last, struct buf *out);
    void (*close)(void *state); /* frees the state; once for each open() that gave one */
};

/* For the files of this folder. */

/* Opens the server's filters for the exchange's answer. */
void http_filters_open(struct http_exchange *ex, const char *type, int64_t len);
bool http_filters_work(const struct http_exchange *ex); /* at least one filter has the answer */
int http_filters_take(struct http_exchange *ex, const char *data, size_t len, bool last, struct buf *out);
void http_filters_close(struct http_exchange *ex);

#endif
