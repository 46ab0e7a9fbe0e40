#include "run/offers.h"

#include "base/log.h"
#include "docker/engine.h"
#include "docker/pool.h"
#include "run/inquiry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct offers {
    struct offers_options options;
    uv_timer_t timer;
    size_t at, nth; /* what is asked about next: that language's nth version */
    struct inquiry inquiries[OFFERS_AT_ONCE];
    bool passing, again, stopped;
    bool broken; /* the engine went away during the pass */
    void (*closed)(void *arg);
    void *closed_arg;
};

static void go_on(struct offers *offers);

/* Not offered, and why: said once, not at every pass. */
static void leave_out(struct offers *offers, struct language *language, struct language_version *version,
                      const char *reason)
{
    if (version->offered || version->left_out == NULL || strcmp(version->left_out, reason) != 0)
        log_event(LOG_WARN, "language.left_out", LOG_STR("language", language->id), LOG_STR("name", version->name),
                  LOG_STR("image", version->image), LOG_STR("reason", reason));
    if (version->offered)
        pool_withdraw(offers->options.pool, &version->kind);
    version->offered = false;
    version->left_out = reason;
    free(version->fingerprint);
    version->fingerprint = NULL;
}

/* Each version anew: which of them is the default may be another one now. */
static void keep_waiting(struct offers *offers, const struct language *language)
{
    const struct language_version *usual = language_default(language);

    for (size_t i = 0; i < language->versions_len; i++) {
        const struct language_version *version = &language->versions[i];
        if (version->offered)
            pool_offer(offers->options.pool, &version->kind,
                       offers->options.waiting(offers->options.arg, language->id, version == usual));
    }
}

static void offer(struct inquiry *inquiry)
{
    struct language_version *version = inquiry->version;
    char *fingerprint = strdup(inquiry->fingerprint);

    free(version->fingerprint);
    json_decref(version->packages);
    version->fingerprint = fingerprint; /* NULL, out of memory: asked again at the next pass */
    version->packages = inquiry->packages;
    inquiry->packages = NULL;
    memcpy(version->number, inquiry->number, sizeof version->number);
    snprintf(version->reported, sizeof version->reported, "%s%s%s", version->name != NULL ? version->name : "",
             version->name != NULL ? "-" : "", version->number);
    version->offered = true;
    version->left_out = NULL;
    log_event(LOG_INFO, "language.offered", LOG_STR("language", inquiry->language->id),
              LOG_STR("version", version->reported), LOG_INT("packages", json_array_size(version->packages)));
}

static void on_answer(struct inquiry *inquiry, enum inquiry_end end)
{
    struct offers *offers = inquiry->arg;

    switch (end) {
    case INQUIRY_SAME:
        break;
    case INQUIRY_TOLD:
        offer(inquiry);
        keep_waiting(offers, inquiry->language);
        break;
    case INQUIRY_LEFT_OUT:
        leave_out(offers, inquiry->language, inquiry->version, inquiry->reason);
        keep_waiting(offers, inquiry->language);
        break;
    case INQUIRY_NO_ENGINE:
        offers->broken = true;
        break;
    }
    go_on(offers);
}

/* Where the engine went away, its return begins another pass. */
static void finish_pass(struct offers *offers)
{
    offers->passing = false;
    if (!offers->broken && offers->options.on_pass != NULL)
        offers->options.on_pass(offers->options.arg);
    if (offers->again)
        offers_check(offers);
}

/* The first version of each language, then the second of each that has one, and so on: what most ask for comes first.
 */
static struct language_version *next_version(struct offers *offers, struct language **language)
{
    for (; offers->nth < LANGUAGE_VERSIONS_MAX; offers->nth++, offers->at = 0)
        while (offers->at < languages_count(offers->options.languages)) {
            *language = languages_at(offers->options.languages, offers->at++);
            if (offers->nth < (*language)->versions_len)
                return &(*language)->versions[offers->nth];
        }
    return NULL;
}

/* Begins what can be begun; the pass ends with its last inquiry. */
static void go_on(struct offers *offers)
{
    bool under_way = false;

    for (size_t i = 0; i < OFFERS_AT_ONCE && !offers->stopped; i++) {
        struct inquiry *inquiry = &offers->inquiries[i];
        struct language *language;
        struct language_version *version = NULL;

        if (!inquiry->under_way && !offers->broken && (version = next_version(offers, &language)) != NULL)
            inquiry_begin(inquiry, language, version);
        under_way |= inquiry->under_way;
    }
    if (!under_way && !offers->stopped && offers->passing)
        finish_pass(offers);
}

static void on_timer(uv_timer_t *timer)
{
    struct offers *offers = timer->data;

    if (!offers->passing && engine_is_up(offers->options.engine))
        offers_check(offers);
}

void offers_check(struct offers *offers)
{
    if (offers->stopped)
        return;
    offers->again = offers->passing;
    if (offers->passing)
        return;
    offers->passing = true;
    offers->broken = false;
    offers->at = offers->nth = 0;
    go_on(offers);
}

int offers_open(struct offers **out, uv_loop_t *loop, const struct offers_options *options, struct error *error)
{
    struct offers *offers = calloc(1, sizeof *offers);

    if (offers == NULL)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    offers->options = *options;
    for (size_t i = 0; i < OFFERS_AT_ONCE; i++)
        offers->inquiries[i] = (struct inquiry){.engine = options->engine,
                                                .pool = options->pool,
                                                .store = options->store,
                                                .done = on_answer,
                                                .arg = offers};
    uv_timer_init(loop, &offers->timer);
    offers->timer.data = offers;
    uv_timer_start(&offers->timer, on_timer, OFFERS_PERIOD_MS, OFFERS_PERIOD_MS);
    *out = offers;
    return 0;
}

void offers_stop(struct offers *offers)
{
    if (offers->stopped)
        return;
    offers->stopped = true;
    uv_timer_stop(&offers->timer);
    for (size_t i = 0; i < OFFERS_AT_ONCE; i++)
        inquiry_stop(&offers->inquiries[i]);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct offers *offers = handle->data;
    void (*closed)(void *arg) = offers->closed;
    void *arg = offers->closed_arg;

    free(offers);
    closed(arg);
}

void offers_close(struct offers *offers, void (*closed)(void *arg), void *arg)
{
    offers_stop(offers);
    offers->closed = closed;
    offers->closed_arg = arg;
    uv_close((uv_handle_t *)&offers->timer, on_timer_closed);
}
