#include "http/filter.h"

#include "http/connection.h"
#include "http/exchange_private.h"

#include <assert.h>

static const struct http_filter *const *filters_of(const struct http_exchange *ex)
{
    return ex->connection->server->options.filters;
}

void http_filters_open(struct http_exchange *ex, const char *type, int64_t len)
{
    const struct http_filter *const *filters = filters_of(ex);

    for (size_t i = 0; filters != NULL && filters[i] != NULL; i++) {
        assert(i < HTTP_FILTERS_MAX);
        ex->filters[i] = filters[i]->open(ex, ex->status, type, len);
    }
}

bool http_filters_work(const struct http_exchange *ex)
{
    for (size_t i = 0; i < HTTP_FILTERS_MAX; i++)
        if (ex->filters[i] != NULL)
            return true;
    return false;
}

/* The place of the next filter that has the answer, from `at` on. */
static size_t next_filter(const struct http_exchange *ex, size_t at)
{
    while (at < HTTP_FILTERS_MAX && ex->filters[at] == NULL)
        at++;
    return at;
}

int http_filters_take(struct http_exchange *ex, const char *data, size_t len, bool last, struct buf *out)
{
    struct buf between[2];
    int rc = 0;

    for (size_t i = 0; i < 2; i++)
        buf_init(&between[i], out->max);
    for (size_t at = next_filter(ex, 0), turn = 0; at < HTTP_FILTERS_MAX && rc == 0; turn++) {
        size_t next = next_filter(ex, at + 1);
        struct buf *to = next < HTTP_FILTERS_MAX ? &between[turn % 2] : out;
        if (to != out)
            buf_reset(to);
        rc = filters_of(ex)[at]->take(ex->filters[at], data, len, last, to);
        data = to->data;
        len = to->len;
        at = next;
    }
    for (size_t i = 0; i < 2; i++)
        buf_free(&between[i]);
    return rc;
}

void http_filters_close(struct http_exchange *ex)
{
    for (size_t i = 0; i < HTTP_FILTERS_MAX; i++) {
        if (ex->filters[i] != NULL)
            filters_of(ex)[i]->close(ex->filters[i]);
        ex->filters[i] = NULL;
    }
}
