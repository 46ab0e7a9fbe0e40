#include "base/notices.h"

#include "base/text.h"

#include <pthread.h>
#include <string.h>

static struct {
    pthread_mutex_t lock;
    size_t count;
    struct notice list[NOTICES_MAX];
} noted = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The event's place, new if there is room; NULL: there is none. */
static struct notice *notice_of(const char *event, int64_t now_ms)
{
    for (size_t i = 0; i < noted.count; i++)
        if (strcmp(noted.list[i].event, event) == 0)
            return &noted.list[i];
    if (noted.count == NOTICES_MAX)
        return NULL;
    noted.list[noted.count] = (struct notice){.event = event, .first_ms = now_ms};
    return &noted.list[noted.count++];
}

void notices_note(const char *event, bool failure, const char *detail, int64_t now_ms)
{
    pthread_mutex_lock(&noted.lock);
    struct notice *notice = notice_of(event, now_ms);
    if (notice != NULL) {
        notice->failure = failure;
        notice->count++;
        notice->last_ms = now_ms;
        text_copy(notice->detail, sizeof notice->detail, detail);
    }
    pthread_mutex_unlock(&noted.lock);
}

size_t notices_read(struct notice out[NOTICES_MAX])
{
    pthread_mutex_lock(&noted.lock);
    size_t count = noted.count;
    memcpy(out, noted.list, count * sizeof *out);
    pthread_mutex_unlock(&noted.lock);
    return count;
}

void notices_reset(void)
{
    pthread_mutex_lock(&noted.lock);
    noted.count = 0;
    pthread_mutex_unlock(&noted.lock);
}
