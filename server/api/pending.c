#include "api/pending.h"

static void pending_on_gone(void *arg)
{
    struct pending *pending = arg;

    pending->ex = NULL;
    if (pending->gone != NULL)
        pending->gone(pending);
}

void pending_begin(struct pending *pending, struct http_exchange *ex, void (*gone)(struct pending *pending))
{
    pending->ex = ex;
    pending->gone = gone;
    http_on_gone(ex, pending_on_gone, pending);
}

struct http_exchange *pending_end(struct pending *pending)
{
    struct http_exchange *ex = pending->ex;

    if (ex != NULL)
        http_on_gone(ex, NULL, NULL);
    pending->ex = NULL;
    return ex;
}
