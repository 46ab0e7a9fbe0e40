#include "run/offers.h"

#include "base/container_of.h"
#include "base/json.h"
#include "base/log.h"
#include "docker/codec.h"
#include "docker/engine.h"
#include "docker/pool.h"
#include "run/probe.h"
#include "store/records.h"
#include "store/store.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSPECT_MS 10000u
#define PACKAGES_MAX 500

/* One job for the database: the facts kept for an image. */
struct facts_job {
    struct store_job job;
    char language[LANGUAGE_ID_MAX + 1];
    char fingerprint[CODEC_ID_MAX + 20]; /* the image's id and what is asked of it */
    char *facts;                         /* JSON text; NULL: none are kept */
    struct offers *offers;               /* who reads them; NULL: nobody any more */
};

struct offers {
    struct offers_options options;
    uv_timer_t timer;
    size_t at; /* the language that is asked about */
    bool passing, again, stopped;
    struct call *call;
    struct probe probe;
    struct facts_job *reading; /* NULL: none under way; a stopped one is freed when it comes back */
    char fingerprint[CODEC_ID_MAX + 20];
    char version[65];
    void (*closed)(void *arg);
    void *closed_arg;
};

static void next_language(struct offers *offers);

static struct language *current(const struct offers *offers)
{
    return languages_at(offers->options.languages, offers->at);
}

static void pass_over(struct offers *offers)
{
    offers->at++;
    next_language(offers);
}

/* Not offered, and why: said once, not at every pass. */
static void leave_out(struct offers *offers, const char *reason)
{
    struct language *language = current(offers);

    if (language->offered || language->left_out == NULL || strcmp(language->left_out, reason) != 0)
        log_event(LOG_WARN, "language.left_out", LOG_STR("language", language->id), LOG_STR("image", language->image),
                  LOG_STR("reason", reason));
    if (language->offered)
        pool_add(offers->options.pool, &language->kind, 0);
    language->offered = false;
    language->left_out = reason;
    free(language->fingerprint);
    language->fingerprint = NULL;
    pass_over(offers);
}

/* Offers it with its facts: {"version": "3.13.5", "packages": [{"name", "version"}]}. */
static int offer(struct offers *offers, const char *text)
{
    struct language *language = current(offers);
    json_t *facts = json_parse(text, strlen(text), NULL);
    const char *version = json_string_value(json_object_get(facts, "version"));
    json_t *packages = json_object_get(facts, "packages");
    char *copy = version != NULL ? strdup(version) : NULL;
    char *fingerprint = strdup(offers->fingerprint);

    if (copy == NULL || fingerprint == NULL || !json_is_array(packages)) {
        free(copy);
        free(fingerprint);
        json_decref(facts);
        return -1;
    }
    free(language->version);
    free(language->fingerprint);
    json_decref(language->packages);
    language->version = copy;
    language->fingerprint = fingerprint;
    language->packages = json_incref(packages);
    json_decref(facts);
    language->offered = true;
    language->left_out = NULL;
    log_event(LOG_INFO, "language.offered", LOG_STR("language", language->id), LOG_STR("version", language->version),
              LOG_INT("packages", json_array_size(language->packages)));
    pool_add(offers->options.pool, &language->kind, offers->options.waiting(offers->options.arg, language->id));
    return 0;
}

/* Asking the image. */

static int keep_work(struct db *db, struct store_job *job, struct error *error)
{
    struct facts_job *facts = container_of(job, struct facts_job, job);
    return probes_put(db, facts->language, facts->fingerprint, facts->facts, error);
}

/* Where it failed, the image is asked again at the next start. */
static void on_kept(struct store_job *job, const struct error *error)
{
    struct facts_job *facts = container_of(job, struct facts_job, job);

    if (error != NULL)
        log_event(LOG_WARN, "language.not_kept", LOG_STR("language", facts->language), LOG_STR("reason", error->text));
    free(facts->facts);
    free(facts);
}

static struct facts_job *facts_new(struct offers *offers)
{
    struct facts_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    snprintf(job->language, sizeof job->language, "%s", current(offers)->id);
    memcpy(job->fingerprint, offers->fingerprint, sizeof job->fingerprint);
    return job;
}

static void keep(struct offers *offers, char *text)
{
    struct facts_job *job = facts_new(offers);

    if (job == NULL) {
        free(text);
        return; /* asked again at the next start */
    }
    job->facts = text;
    job->job.work = keep_work;
    job->job.done = on_kept;
    store_submit(offers->options.store, &job->job);
}

/* Lines of "name version" to [{"name", "version"}]; other lines are passed over. */
static json_t *packages_in(char *text)
{
    json_t *packages = json_array();

    for (char *line = text, *end; line != NULL && *line != '\0' && json_array_size(packages) < PACKAGES_MAX;
         line = end) {
        char name[101], version[65];

        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        if (sscanf(line, "%100s %64s", name, version) == 2)
            json_array_append_new(packages, json_pack("{s:s, s:s}", "name", name, "version", version));
    }
    return packages;
}

static void conclude(struct offers *offers, json_t *packages)
{
    json_t *facts = json_pack("{s:s, s:o}", "version", offers->version, "packages", packages);
    char *text = facts != NULL ? json_text(facts, NULL) : NULL;

    json_decref(facts);
    if (text == NULL || offer(offers, text) != 0) {
        free(text);
        leave_out(offers, "its facts cannot be read");
        return;
    }
    keep(offers, text);
    pass_over(offers);
}

static void on_packages(struct probe *probe)
{
    struct offers *offers = probe->arg;
    json_t *packages = probe->exit_code == 0 && probe->output.data != NULL ? packages_in(probe->output.data) : NULL;

    probe_free(probe);
    if (packages == NULL)
        leave_out(offers, "its packages command failed");
    else
        conclude(offers, packages);
}

static void on_version(struct probe *probe)
{
    struct offers *offers = probe->arg;
    struct language *language = current(offers);
    bool told = probe->exit_code == 0 && probe->output.data != NULL &&
                language_version_in(probe->output.data, offers->version, sizeof offers->version) == 0;

    probe_free(probe);
    if (!told)
        leave_out(offers, "its version command failed");
    else if (language->packages_argv != NULL)
        probe_ask(&offers->probe, offers->options.pool, language, language->packages_argv, on_packages, offers);
    else
        conclude(offers, json_array());
}

/* What is known of the image already. */

static int read_work(struct db *db, struct store_job *job, struct error *error)
{
    struct facts_job *facts = container_of(job, struct facts_job, job);

    return probes_get(db, facts->language, facts->fingerprint, &facts->facts, error);
}

static void ask(struct offers *offers)
{
    struct language *language = current(offers);

    probe_ask(&offers->probe, offers->options.pool, language, language->version_argv, on_version, offers);
}

static void on_read(struct store_job *job, const struct error *error)
{
    struct facts_job *facts = container_of(job, struct facts_job, job);
    struct offers *offers = facts->offers;

    (void)error; /* then it is asked */
    if (offers != NULL) {
        offers->reading = NULL;
        if (facts->facts != NULL && offer(offers, facts->facts) == 0)
            pass_over(offers);
        else
            ask(offers);
    }
    free(facts->facts);
    free(facts);
}

static void look_up(struct offers *offers)
{
    struct facts_job *job = facts_new(offers);

    if (job == NULL) {
        leave_out(offers, "out of memory");
        return;
    }
    job->offers = offers;
    job->job.work = read_work;
    job->job.done = on_read;
    job->job.reads = true;
    offers->reading = job;
    store_submit(offers->options.store, &job->job);
}

/* A command that changes asks again, as an image that changes does. */
static unsigned argv_sum(char *const *argv, unsigned sum)
{
    for (; argv != NULL && *argv != NULL; argv++)
        for (const char *p = *argv;; p++) {
            sum = (sum ^ (unsigned char)*p) * 16777619u;
            if (*p == '\0')
                break;
        }
    return sum;
}

static void on_inspected(void *arg, int status, json_t *reply, const struct error *error)
{
    struct offers *offers = arg;
    struct language *language = current(offers);
    struct image_info image;

    (void)error;
    offers->call = NULL;
    if (status == 0) {
        offers->passing = false; /* the engine went away: its return begins another pass */
        return;
    }
    if (status != 200 || codec_image(reply, &image) != 0) {
        leave_out(offers, "the engine does not have its image");
        return;
    }
    if (image.volumes > 0) {
        leave_out(offers, "its image declares volumes");
        return;
    }
    snprintf(offers->fingerprint, sizeof offers->fingerprint, "%s %08x", image.id,
             argv_sum(language->packages_argv, argv_sum(language->version_argv, 2166136261u)));
    if (language->fingerprint != NULL && strcmp(language->fingerprint, offers->fingerprint) == 0) {
        pass_over(offers);
        return;
    }
    pool_add(offers->options.pool, &language->kind, 0); /* cells of another image than this one are of no use */
    look_up(offers);
}

static void finish_pass(struct offers *offers)
{
    offers->passing = false;
    if (offers->options.on_pass != NULL)
        offers->options.on_pass(offers->options.arg);
    if (offers->again)
        offers_check(offers);
}

static void next_language(struct offers *offers)
{
    char path[512];

    if (offers->stopped)
        return;
    if (offers->at == languages_count(offers->options.languages)) {
        finish_pass(offers);
        return;
    }
    snprintf(path, sizeof path, "/images/%s/json", current(offers)->image);
    offers->call =
        engine_call(offers->options.engine,
                    &(struct call_options){.method = "GET", .path = path, .deadline_ms = INSPECT_MS, .metric = "image"},
                    on_inspected, offers);
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
    offers->at = 0;
    next_language(offers);
}

int offers_open(struct offers **out, uv_loop_t *loop, const struct offers_options *options, struct error *error)
{
    struct offers *offers = calloc(1, sizeof *offers);

    if (offers == NULL)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    offers->options = *options;
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
    if (offers->call != NULL)
        call_cancel(offers->call);
    offers->call = NULL;
    if (offers->reading != NULL)
        offers->reading->offers = NULL;
    offers->reading = NULL;
    if (offers->probe.under_way) {
        probe_cancel(&offers->probe);
        probe_free(&offers->probe);
    }
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
