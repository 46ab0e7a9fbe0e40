/* The happy path: api_execution_events -> follow_look -> follow_looked -> follow_begin, which sends the head ->
 * follow_pump, as often as there is more and the client takes it. An execution that is under way, or has just ended, is
 * read from its feed. One that ended earlier is read from what is kept of it. One that waits to run in the background
 * gets a feed when it starts. */
#include "api/follow.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/background.h"
#include "api/event_answer.h"
#include "api/feed.h"
#include "api/past.h"
#include "api/pending.h"
#include "api/work.h"
#include "base/container_of.h"
#include "store/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCE_NOT_KEPT "The output of this execution is not kept"
#define SENTENCE_GONE "Last-Event-ID: the events after it are not kept any more"

struct follow {
    struct pending pending;
    struct api *api;
    struct follower follower;        /* its key and id are the execution's */
    struct background_waiter waiter; /* for an end without a run */
    struct event_answer *out;
    uint64_t last; /* the newest event that the client has */
    bool head;     /* it asks for the head alone */
    bool begun;    /* the answer is */
    bool full;     /* the client is slower */
    struct store_job job;
    bool looks;               /* the database has it */
    bool again;               /* something has changed meanwhile */
    bool accepted;            /* it was accepted to run in the background: `view` has its record, else `record` */
    struct journal_view view; /* result_len etc. */
    struct record record;
    struct past past;
    bool ended; /* `past` has its events */
    struct work work;
    bool works;
    int failed;
};

static void follow_free(struct follow *follow)
{
    feeds_unfollow(&follow->follower);
    background_unwait(&follow->waiter);
    event_answer_drop(follow->out);
    past_close(&follow->past);
    journal_view_clear(&follow->view);
    record_clear(&follow->record);
    free(follow);
}

static void follow_on_gone(struct pending *pending)
{
    struct follow *follow = container_of(pending, struct follow, pending);

    if (!follow->looks && !follow->works)
        follow_free(follow);
}

/* The ends. */

static void follow_refuse(struct follow *follow, enum error_code code, const char *sentence)
{
    api_respond_sentence(pending_end(&follow->pending), code, sentence);
    follow_free(follow);
}

static void follow_end(struct follow *follow, bool whole)
{
    struct event_answer *out = follow->out;

    (void)pending_end(&follow->pending);
    follow->out = NULL;
    event_answer_end(out, whole);
    follow_free(follow);
}

/* The client learns why nothing follows. The event has no number, because it is not the execution's. */
static void follow_lose(struct follow *follow, const char *sentence)
{
    char json[256];
    int len = snprintf(json, sizeof json, "{\"detail\":\"%s\"}", sentence);

    event_answer_send(follow->out, 0, "lost", json, (size_t)len);
    follow_end(follow, true);
}

/* Sending. */

static enum feed_reading follow_read(struct follow *follow, struct feed_event *event)
{
    enum feed_reading reading;

    if (!follow->ended)
        return feed_read(follow->follower.feed, follow->last, event);
    while ((reading = past_read(&follow->past, event)) == FEED_EVENT && event->id <= follow->last)
        free(event->json);
    return reading;
}

static void follow_stop(struct follow *follow, enum feed_reading reading)
{
    if (reading == FEED_LOST)
        follow_lose(follow, "The events are not kept any more, because the client was slower than the program");
    else if (reading != FEED_WAIT)
        follow_end(follow, reading == FEED_ENDED);
}

/* Sends what there is and the client takes. It may be the end. */
static void follow_pump(struct follow *follow)
{
    struct feed_event event;

    while (!follow->full) {
        enum feed_reading reading = follow_read(follow, &event);
        if (reading != FEED_EVENT) {
            follow_stop(follow, reading);
            return;
        }
        follow->full = !event_answer_send(follow->out, event.id, event.name, event.json, event.len);
        follow->last = event.id;
        free(event.json);
    }
}

/* Goes on, unless the client has yet to take what was sent. */
static void follow_go(struct follow *follow)
{
    if (follow->full)
        return;
    if (follow->ended || follow->follower.feed != NULL)
        follow_pump(follow);
    else if (follow->last > 0)
        follow_lose(follow, "The execution will run again from its beginning");
}

static void follow_on_room(void *arg)
{
    struct follow *follow = arg;

    follow->full = false;
    follow_go(follow);
}

/* Beginning. */

static void follow_begin(struct follow *follow)
{
    follow->begun = true;
    event_answer_begin(follow->out, follow->pending.ex);
    if (follow->head)
        follow_end(follow, true);
    else
        follow_go(follow);
}

static void follow_respond_nothing(struct follow *follow)
{
    http_respond(pending_end(&follow->pending), 204, NULL, NULL, 0);
    follow_free(follow);
}

/* A number that was not given yet is of an earlier run of the same execution. */
static void follow_begin_feed(struct follow *follow)
{
    const struct feed *feed = follow->follower.feed;

    if (follow->last > feed_newest(feed))
        follow->last = 0;
    switch (feed_look(feed, follow->last)) {
    case FEED_LOST:
        follow_refuse(follow, ERROR_GONE,
                      follow->last > 0 ? SENTENCE_GONE : SENTENCE_NOT_KEPT " from its beginning on");
        return;
    case FEED_ENDED:
        follow_respond_nothing(follow);
        return;
    default:
        follow_begin(follow);
    }
}

/* Numbers beyond the last one are of the feed, which is not kept any more. */
static void follow_begin_past(struct follow *follow)
{
    uint64_t newest = past_newest(&follow->past);

    follow->ended = true;
    if (follow->last > newest)
        follow->last = 0;
    if (follow->begun)
        follow_pump(follow);
    else if (follow->last == newest)
        follow_respond_nothing(follow);
    else
        follow_begin(follow);
}

/* What is kept of one that has ended. */

static const struct record *follow_record(const struct follow *follow)
{
    return follow->accepted ? &follow->view.record : &follow->record;
}

static void follow_open_past(struct work *work)
{
    struct follow *follow = container_of(work, struct follow, work);

    follow->failed = past_open(&follow->past, follow_record(follow), follow->view.result, follow->view.result_len);
}

static void follow_opened(struct work *work)
{
    struct follow *follow = container_of(work, struct follow, work);

    follow->works = false;
    if (follow->pending.ex == NULL)
        follow_free(follow);
    else if (follow->failed == 0)
        follow_begin_past(follow);
    else if (follow->begun)
        follow_end(follow, false);
    else
        follow_refuse(follow, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
}

static bool is_kept(const struct follow *follow)
{
    return follow->accepted ? follow->view.result != NULL : past_is_kept(&follow->record);
}

static void follow_past(struct follow *follow)
{
    if (!is_kept(follow)) {
        if (follow->begun)
            follow_lose(follow, SENTENCE_NOT_KEPT);
        else
            follow_refuse(follow, ERROR_GONE, SENTENCE_NOT_KEPT);
        return;
    }
    feeds_unfollow(&follow->follower);
    follow->works = true;
    follow->work = (struct work){.run = follow_open_past, .done = follow_opened};
    work_start(&follow->work, follow->api->loop, follow->view.result_len);
}

/* Looking. */

static int look_work(struct db *db, struct store_job *job, struct error *error)
{
    struct follow *follow = container_of(job, struct follow, job);
    const struct follower *follower = &follow->follower;

    if (journal_get(db, follower->key_row, follower->id, &follow->view, error) == 0) {
        follow->accepted = true;
        return 0;
    }
    if (error->code != ERROR_NOT_FOUND)
        return -1;
    return records_get(db, follower->key_row, follower->id, &follow->record, error);
}

static bool follow_is_over(const struct follow *follow)
{
    enum record_status status = follow_record(follow)->status;

    return follow->accepted ? follow->view.state == JOURNAL_DONE : status != RECORD_PENDING && status != RECORD_RUNNING;
}

/* It has no feed, and is not over. Its numbers will count from 1. */
static void follow_wait(struct follow *follow)
{
    bool comes = follow->accepted || runner_find(follow->api->runner, follow->follower.key_row, follow->follower.id);

    follow->last = 0;
    if (!comes && follow->begun)
        follow_lose(follow, SENTENCE_NOT_KEPT);
    else if (!comes)
        follow_refuse(follow, ERROR_CONFLICT, "This execution is not under way on this server");
    else if (follow->api->draining && follow->begun)
        follow_end(follow, true);
    else if (follow->api->draining)
        follow_refuse(follow, ERROR_UNAVAILABLE, "The server is shutting down. Please try again later.");
    else if (!follow->begun)
        follow_begin(follow);
}

static void follow_look(struct follow *follow);

static void follow_decide(struct follow *follow)
{
    if (follow->follower.feed != NULL) {
        if (follow->begun)
            follow_pump(follow);
        else
            follow_begin_feed(follow);
    } else if (follow_is_over(follow)) {
        follow_past(follow);
    } else if (follow->again) {
        follow_look(follow);
    } else {
        follow_wait(follow);
    }
}

static void follow_looked(struct store_job *job, const struct error *error)
{
    struct follow *follow = container_of(job, struct follow, job);

    follow->looks = false;
    if (follow->pending.ex == NULL)
        follow_free(follow);
    else if (error == NULL)
        follow_decide(follow);
    else if (follow->begun)
        follow_end(follow, false);
    else
        follow_refuse(follow, error->code, error->text);
}

static void follow_look(struct follow *follow)
{
    journal_view_clear(&follow->view);
    record_clear(&follow->record);
    follow->view = (struct journal_view){.result = NULL};
    follow->record = (struct record){.out = NULL};
    follow->accepted = follow->again = false;
    follow->looks = true;
    follow->job = (struct store_job){.work = look_work, .done = follow_looked, .reader = follow->follower.key_row};
    store_submit(follow->api->store, &follow->job);
}

/* What happens meanwhile. */

/* It has ended without a run, or the server drains. */
static void follow_on_end(struct background_waiter *waiter)
{
    struct follow *follow = container_of(waiter, struct follow, waiter);

    if (follow->looks)
        follow->again = true;
    else if (!follow->works && follow->follower.feed == NULL)
        follow_look(follow);
}

static void follow_on_more(struct follower *follower)
{
    struct follow *follow = container_of(follower, struct follow, follower);

    if (follow->begun)
        follow_go(follow);
}

/* The request. */

/* 0, or -1: it is not a number of an event. */
static int read_last(const struct http_exchange *ex, uint64_t *last)
{
    const char *text = http_header(ex, "Last-Event-ID");
    char *end;

    *last = 0;
    if (text == NULL || *text == '\0')
        return 0;
    errno = 0;
    *last = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *last < UINT64_MAX ? 0 : -1;
}

static void follow_start(struct follow *follow, struct http_exchange *ex)
{
    follow->api = api_of(ex);
    follow->head = strcmp(http_method(ex), "HEAD") == 0;
    follow->follower.key_row = api_caller(ex)->key.row;
    follow->follower.more = follow_on_more;
    text_copy(follow->follower.id, sizeof follow->follower.id, http_param(ex, "id"));
    text_copy(follow->waiter.id, sizeof follow->waiter.id, follow->follower.id);
    follow->waiter.wake = follow_on_end;
    pending_begin(&follow->pending, ex, follow_on_gone);
    feeds_follow(follow->api->feeds, &follow->follower);
    background_wait(follow->api->background, &follow->waiter);
    follow_look(follow);
}

void api_execution_events(struct http_exchange *ex)
{
    struct follow *follow;
    uint64_t last;

    if (read_last(ex, &last) != 0) {
        api_respond_sentence(ex, ERROR_INVALID, "Last-Event-ID: must be the number of an event");
        return;
    }
    follow = calloc(1, sizeof *follow);
    if (follow != NULL)
        follow->out = event_answer_new(api_of(ex)->loop, follow_on_room, follow);
    if (follow == NULL || follow->out == NULL) {
        free(follow);
        api_respond_sentence(ex, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
        return;
    }
    follow->last = last;
    follow_start(follow, ex);
}
