#include "languages/availability.h"

#include "base/log.h"
#include "docker/engine/engine.h"
#include "docker/pool/pool.h"
#include "languages/image_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INQUIRIES (AVAILABILITY_AT_ONCE + AVAILABILITY_WANTED_AT_ONCE)

#define SENTENCE_FULL "The queue is full. Please try again later."
#define SENTENCE_AWAY "The container engine is not reachable. Please try again later."
#define SENTENCE_DRAINING "The server is shutting down. Please try again later."

/* A pass looks at every image, then asks the images that have no label. */
enum availability_pass { PASS_NONE, PASS_LOOKS, PASS_ASKS };

struct availability {
    struct availability_options options;
    uv_timer_t timer;    /* the next pass */
    uv_timer_t patience; /* the first wait that is over */
    enum availability_pass pass;
    size_t at, nth; /* what the pass comes to next: that language's nth version */
    struct image_facts inquiries[INQUIRIES];
    struct availability_wait *first, *last; /* in the order in which they came */
    unsigned waits;
    bool again, draining, stopped;
    bool broken; /* the engine went away during the pass */
    unsigned open_timers;
    void (*closed)(void *arg);
    void *closed_arg;
};

static void availability_go_on(struct availability *offers);

/* Marks a version as not offered. The log gets a reason once, not at every pass. */
static void availability_leave_out(struct availability *offers, struct language *language,
                                   struct language_version *version, const char *reason)
{
    if (version->offered || version->left_out == NULL || strcmp(version->left_out, reason) != 0)
        log_event(LOG_WARN, "language.unavailable", LOG_STR("language", language->id), LOG_STR("name", version->name),
                  LOG_STR("image", version->image), LOG_STR("reason", reason));
    if (version->offered)
        pool_withdraw(offers->options.pool, &version->kind);
    version->offered = version->unasked = false;
    version->left_out = reason;
    free(version->fingerprint);
    version->fingerprint = NULL;
}

/* Tells the pool of every offered version again, because another one may be the default now. */
static void offer_to_pool(struct availability *offers, const struct language *language)
{
    const struct language_version *default_version = language_default(language);

    for (size_t i = 0; i < language->versions_len; i++) {
        const struct language_version *version = &language->versions[i];
        if (version->offered)
            pool_offer(offers->options.pool, &version->kind,
                       offers->options.keep(offers->options.arg, language->id, version == default_version));
    }
}

static void offer(struct image_facts *inquiry)
{
    struct language_version *version = inquiry->version;
    char *fingerprint = strdup(inquiry->fingerprint);

    free(version->fingerprint);
    json_decref(version->packages);
    version->fingerprint = fingerprint; /* NULL if there is no memory: the next pass asks again */
    version->packages = inquiry->packages;
    inquiry->packages = NULL;
    memcpy(version->number, inquiry->number, sizeof version->number);
    snprintf(version->reported, sizeof version->reported, "%s%s%s", version->name != NULL ? version->name : "",
             version->name != NULL ? "-" : "", version->number);
    version->offered = true;
    version->unasked = false;
    version->left_out = NULL;
    log_event(LOG_INFO, "language.offered", LOG_STR("language", inquiry->language->id),
              LOG_STR("version", version->reported), LOG_INT("packages", json_array_size(version->packages)));
}

static void on_answer(struct image_facts *inquiry, enum image_facts_end end)
{
    struct availability *offers = inquiry->arg;

    switch (end) {
    case IMAGE_FACTS_SAME:
        break;
    case IMAGE_FACTS_UNASKED:
        inquiry->version->unasked = true;
        break;
    case IMAGE_FACTS_TOLD:
        offer(inquiry);
        offer_to_pool(offers, inquiry->language);
        break;
    case IMAGE_FACTS_LEFT_OUT:
        availability_leave_out(offers, inquiry->language, inquiry->version, inquiry->reason);
        offer_to_pool(offers, inquiry->language);
        break;
    case IMAGE_FACTS_NO_ENGINE:
        offers->broken = true;
        break;
    }
    availability_go_on(offers);
}

/* Requests that wait. */

static void unlink_wait(struct availability *offers, struct availability_wait *wait)
{
    *(wait->prev != NULL ? &wait->prev->next : &offers->first) = wait->next;
    *(wait->next != NULL ? &wait->next->prev : &offers->last) = wait->prev;
    offers->waits--;
}

static bool is_over(const struct availability *offers, const struct availability_wait *wait)
{
    return offers->broken || offers->draining || language_asked(wait->language) ||
           uv_now(offers->patience.loop) >= wait->until_ms;
}

static void availability_on_patience(uv_timer_t *timer);

/* Ends the waits that are over, and sets the timer for the next one. */
static void end_waits(struct availability *offers)
{
    uint64_t now = uv_now(offers->patience.loop), next = UINT64_MAX;
    struct availability_wait *wait = offers->first;

    while (wait != NULL) {
        if (is_over(offers, wait)) {
            unlink_wait(offers, wait);
            wait->done(wait);
            wait = offers->first; /* done() may have taken others out */
            next = UINT64_MAX;
        } else {
            next = wait->until_ms < next ? wait->until_ms : next;
            wait = wait->next;
        }
    }
    if (next == UINT64_MAX)
        uv_timer_stop(&offers->patience);
    else
        uv_timer_start(&offers->patience, availability_on_patience, next - now, 0);
}

static void availability_on_patience(uv_timer_t *timer)
{
    end_waits(timer->data);
}

int availability_await(struct availability *offers, struct availability_wait *wait, uint64_t limit_ms,
                       struct error *error)
{
    if (offers->draining || offers->stopped)
        return error_set(error, ERROR_UNAVAILABLE, SENTENCE_DRAINING);
    if (!engine_is_up(offers->options.engine))
        return error_set(error, ERROR_UNAVAILABLE, SENTENCE_AWAY);
    if (offers->waits >= offers->options.waits_max)
        return error_set(error, ERROR_UNAVAILABLE, SENTENCE_FULL);
    wait->until_ms = uv_now(offers->patience.loop) + limit_ms;
    wait->next = NULL;
    wait->prev = offers->last;
    *(offers->last != NULL ? &offers->last->next : &offers->first) = wait;
    offers->last = wait;
    offers->waits++;
    availability_go_on(offers);
    return 0;
}

void availability_leave(struct availability *offers, struct availability_wait *wait)
{
    unlink_wait(offers, wait);
}

void availability_drain(struct availability *offers)
{
    offers->draining = true;
    end_waits(offers);
}

/* What comes next. */

static bool inquiry_is_under_way(const struct availability *offers, const struct language_version *version)
{
    for (size_t i = 0; i < INQUIRIES; i++)
        if (offers->inquiries[i].under_way && offers->inquiries[i].version == version)
            return true;
    return false;
}

/* The first version that a request waits for and that is not asked about yet. */
static struct language_version *next_wanted(const struct availability *offers, struct language **language)
{
    for (const struct availability_wait *wait = offers->first; wait != NULL; wait = wait->next)
        for (size_t i = 0; i < wait->language->versions_len; i++) {
            struct language_version *version = &wait->language->versions[i];
            *language = wait->language;
            if (!version->offered && version->left_out == NULL && !inquiry_is_under_way(offers, version))
                return version;
        }
    return NULL;
}

/* The first version of each language, then the second of each that has one, and so on, because most requests want the
 * first one. */
static struct language_version *next_of_pass(struct availability *offers, struct language **language)
{
    for (; offers->nth < LANGUAGE_VERSIONS_MAX; offers->nth++, offers->at = 0)
        while (offers->at < catalog_count(offers->options.languages)) {
            *language = catalog_at(offers->options.languages, offers->at++);
            if (offers->nth >= (*language)->versions_len)
                continue;
            struct language_version *version = &(*language)->versions[offers->nth];
            if ((offers->pass == PASS_LOOKS || version->unasked) && !inquiry_is_under_way(offers, version))
                return version;
        }
    return NULL;
}

/* The version that the inquiry with this index may begin with; NULL: none. While a request waits, no other image is
 * asked in a container. */
static struct language_version *next_version(struct availability *offers, size_t index, struct language **language,
                                             bool *may_ask)
{
    struct language_version *version = next_wanted(offers, language);

    *may_ask = version != NULL || offers->pass == PASS_ASKS;
    if (version != NULL || index >= AVAILABILITY_AT_ONCE || offers->pass == PASS_NONE ||
        (offers->pass == PASS_ASKS && offers->first != NULL))
        return version;
    return next_of_pass(offers, language);
}

/* Begins inquiries, and returns how many are under way. */
static size_t availability_begin(struct availability *offers)
{
    size_t under_way = 0;

    for (size_t i = 0; i < INQUIRIES; i++) {
        struct image_facts *inquiry = &offers->inquiries[i];
        struct language *language;
        struct language_version *version = NULL;
        bool may_ask;

        if (!inquiry->under_way && !offers->broken && (version = next_version(offers, i, &language, &may_ask)) != NULL)
            image_facts_begin(inquiry, language, version, may_ask);
        under_way += inquiry->under_way;
    }
    return under_way;
}

/* If the engine went away, its return begins another pass. */
static void finish_pass(struct availability *offers)
{
    bool whole = !offers->broken;

    offers->pass = PASS_NONE;
    offers->broken = false;
    if (whole && offers->options.on_pass != NULL)
        offers->options.on_pass(offers->options.arg);
    if (offers->again)
        availability_check(offers);
}

/* Ends the waits that are over, and begins the inquiries that can begin. The pass ends with its last inquiry. */
static void availability_go_on(struct availability *offers)
{
    end_waits(offers);
    if (offers->stopped || availability_begin(offers) > 0)
        return;
    if (offers->pass == PASS_LOOKS && !offers->broken) {
        offers->pass = PASS_ASKS;
        offers->at = offers->nth = 0;
        availability_go_on(offers);
    } else if (offers->pass != PASS_NONE) {
        finish_pass(offers);
    } else {
        offers->broken = false;
    }
}

static void availability_on_timer(uv_timer_t *timer)
{
    struct availability *offers = timer->data;

    if (offers->pass == PASS_NONE && engine_is_up(offers->options.engine))
        availability_check(offers);
}

void availability_check(struct availability *offers)
{
    if (offers->stopped)
        return;
    offers->again = offers->pass != PASS_NONE;
    if (offers->again)
        return;
    offers->pass = PASS_LOOKS;
    offers->at = offers->nth = 0;
    availability_go_on(offers);
}

int availability_open(struct availability **out, uv_loop_t *loop, const struct availability_options *options,
                      struct error *error)
{
    struct availability *offers = calloc(1, sizeof *offers);

    if (offers == NULL)
        return error_memory(error);
    offers->options = *options;
    for (size_t i = 0; i < INQUIRIES; i++)
        offers->inquiries[i] = (struct image_facts){.engine = options->engine,
                                                    .pool = options->pool,
                                                    .store = options->store,
                                                    .done = on_answer,
                                                    .arg = offers};
    uv_timer_init(loop, &offers->timer);
    uv_timer_init(loop, &offers->patience);
    offers->timer.data = offers->patience.data = offers;
    offers->open_timers = 2;
    uv_timer_start(&offers->timer, availability_on_timer, AVAILABILITY_PERIOD_MS, AVAILABILITY_PERIOD_MS);
    *out = offers;
    return 0;
}

void availability_stop(struct availability *offers)
{
    if (offers->stopped)
        return;
    availability_drain(offers);
    offers->stopped = true;
    uv_timer_stop(&offers->timer);
    for (size_t i = 0; i < INQUIRIES; i++)
        image_facts_stop(&offers->inquiries[i]);
}

static void availability_on_timer_closed(uv_handle_t *handle)
{
    struct availability *offers = handle->data;
    void (*closed)(void *arg) = offers->closed;
    void *arg = offers->closed_arg;

    if (--offers->open_timers > 0)
        return;
    free(offers);
    closed(arg);
}

void availability_close(struct availability *offers, void (*closed)(void *arg), void *arg)
{
    availability_stop(offers);
    offers->closed = closed;
    offers->closed_arg = arg;
    uv_close((uv_handle_t *)&offers->timer, availability_on_timer_closed);
    uv_close((uv_handle_t *)&offers->patience, availability_on_timer_closed);
}
