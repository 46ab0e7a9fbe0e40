#include "languages/image_facts.h"

#include "base/container_of.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "docker/engine/call.h"
#include "docker/engine/engine.h"
#include "docker/pool/pool.h"
#include "languages/image_label.h"
#include "store/image_facts.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSPECT_MS 10000u
#define OUTPUT_SAID ((size_t)300) /* bytes of a failed command's output that are logged */

/* A job for the database: reads or writes the facts of an image. */
struct image_facts_job {
    struct store_job job;
    char language[LANGUAGE_ID_MAX + 1];
    char fingerprint[IMAGE_FACTS_FINGERPRINT_MAX];
    char *facts;                 /* JSON text; NULL: none are kept */
    struct image_facts *inquiry; /* the reader; NULL: it has stopped */
};

/* The end. */

static void inquiry_end(struct image_facts *inquiry, enum image_facts_end how)
{
    inquiry->under_way = false;
    inquiry->done(inquiry, how);
}

static void image_facts_leave_out(struct image_facts *inquiry, const char *reason)
{
    inquiry->reason = reason;
    inquiry_end(inquiry, IMAGE_FACTS_LEFT_OUT);
}

/* Facts: {"version": "3.13.5", "packages": [{"name", "version"}]}. */
static int take_facts(struct image_facts *inquiry, const char *text)
{
    json_t *facts = json_parse(text, strlen(text), NULL);
    const char *number = json_string_value(json_object_get(facts, "version"));
    json_t *packages = json_object_get(facts, "packages");
    bool good = number != NULL && strlen(number) < sizeof inquiry->number && json_is_array(packages);

    if (good) {
        snprintf(inquiry->number, sizeof inquiry->number, "%s", number);
        json_decref(inquiry->packages);
        inquiry->packages = json_incref(packages);
    }
    json_decref(facts);
    return good ? 0 : -1;
}

/* Asking the image. */

static int facts_save_work(struct db *db, struct store_job *job, struct error *error)
{
    struct image_facts_job *facts = container_of(job, struct image_facts_job, job);

    return stored_facts_put(db, facts->language, facts->fingerprint, facts->facts, error);
}

/* If the job failed, the image is asked again at the next start. */
static void on_facts_saved(struct store_job *job, const struct error *error)
{
    struct image_facts_job *facts = container_of(job, struct image_facts_job, job);

    if (error != NULL)
        log_event(LOG_WARN, "language.facts_not_saved", LOG_STR("language", facts->language),
                  LOG_STR("reason", error->text));
    free(facts->facts);
    free(facts);
}

static struct image_facts_job *facts_new(const struct image_facts *inquiry)
{
    struct image_facts_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    snprintf(job->language, sizeof job->language, "%s", inquiry->language->id);
    memcpy(job->fingerprint, inquiry->fingerprint, sizeof job->fingerprint);
    return job;
}

static void facts_save(struct image_facts *inquiry, char *text)
{
    struct image_facts_job *job = facts_new(inquiry);

    if (job == NULL) {
        free(text);
        return; /* asked again at the next start */
    }
    job->facts = text;
    job->job.work = facts_save_work;
    job->job.done = on_facts_saved;
    store_submit(inquiry->store, &job->job);
}

static void inquiry_conclude(struct image_facts *inquiry, json_t *packages)
{
    json_t *facts = json_pack("{s:s, s:o}", "version", inquiry->number, "packages", packages);
    char *text = facts != NULL ? json_text(facts, NULL) : NULL;

    json_decref(facts);
    if (text == NULL || take_facts(inquiry, text) != 0) {
        free(text);
        image_facts_leave_out(inquiry, "its facts are invalid");
        return;
    }
    facts_save(inquiry, text);
    inquiry_end(inquiry, IMAGE_FACTS_TOLD);
}

/* A command failed. The log shows what it printed, for the language's author: once, and not at every pass. */
static void image_facts_fail(struct image_facts *inquiry, struct image_command *command, const char *reason)
{
    const struct language_version *version = inquiry->version;
    struct buf said;

    if (!engine_is_up(inquiry->engine)) {
        image_command_free(command);
        inquiry_end(inquiry, IMAGE_FACTS_NO_ENGINE);
        return;
    }
    buf_init(&said, 4 * OUTPUT_SAID);
    (void)text_utf8_clean(&said, command->output.data,
                          command->output.len < OUTPUT_SAID ? command->output.len : OUTPUT_SAID, true);
    if (version->left_out == NULL || strcmp(version->left_out, reason) != 0)
        log_event(LOG_WARN, "language.command_failed", LOG_STR("language", inquiry->language->id),
                  LOG_STR("image", version->image), LOG_STR("program", command->job.run.argv[0]),
                  LOG_INT("exit_code", command->exit_code), LOG_STR("output", said.data));
    buf_free(&said);
    image_command_free(command);
    image_facts_leave_out(inquiry, reason);
}

static void on_packages(struct image_command *command)
{
    struct image_facts *inquiry = command->arg;
    json_t *packages;

    if (command->exit_code != 0) {
        image_facts_fail(inquiry, command, "its packages command failed");
        return;
    }
    packages = image_label_packages(command->output.data != NULL ? command->output.data : "");
    image_command_free(command);
    inquiry_conclude(inquiry, packages);
}

static void on_version(struct image_command *command)
{
    struct image_facts *inquiry = command->arg;
    struct language_version *version = inquiry->version;

    if (command->exit_code != 0 || command->output.data == NULL ||
        version_in(command->output.data, inquiry->number, sizeof inquiry->number) != 0) {
        image_facts_fail(inquiry, command, "its version command failed");
        return;
    }
    image_command_free(command);
    if (version->packages_argv != NULL)
        image_command_run(&inquiry->command, inquiry->pool, version, version->packages_argv, on_packages, inquiry);
    else
        inquiry_conclude(inquiry, json_array());
}

/* The label and the database. */

/* 0, or -1 if the label does not answer all commands. */
static int read_label(struct image_facts *inquiry, const struct image_info *image)
{
    const struct language_version *version = inquiry->version;
    json_t *label = image_label_read(image);
    const char *number = image_label_output(label, version->version_argv, version->env), *packages = "";
    int failed = number == NULL || version_in(number, inquiry->number, sizeof inquiry->number) != 0 ? -1 : 0;

    if (failed == 0 && version->packages_argv != NULL)
        packages = image_label_output(label, version->packages_argv, version->env);
    if (failed == 0)
        inquiry->packages = packages != NULL ? image_label_packages(packages) : NULL;
    json_decref(label);
    return inquiry->packages != NULL ? 0 : -1;
}

static int facts_read_work(struct db *db, struct store_job *job, struct error *error)
{
    struct image_facts_job *facts = container_of(job, struct image_facts_job, job);

    return stored_facts_get(db, facts->language, facts->fingerprint, &facts->facts, error);
}

static void image_facts_ask(struct image_facts *inquiry)
{
    image_command_run(&inquiry->command, inquiry->pool, inquiry->version, inquiry->version->version_argv, on_version,
                      inquiry);
}

static void on_facts_read(struct store_job *job, const struct error *error)
{
    struct image_facts_job *facts = container_of(job, struct image_facts_job, job);
    struct image_facts *inquiry = facts->inquiry;

    (void)error; /* after an error it is as if none were kept */
    if (inquiry != NULL) {
        inquiry->reading = NULL;
        if (facts->facts != NULL && take_facts(inquiry, facts->facts) == 0)
            inquiry_end(inquiry, IMAGE_FACTS_TOLD);
        else if (inquiry->may_ask)
            image_facts_ask(inquiry);
        else
            inquiry_end(inquiry, IMAGE_FACTS_UNASKED);
    }
    free(facts->facts);
    free(facts);
}

static void facts_look_up(struct image_facts *inquiry)
{
    struct image_facts_job *job = facts_new(inquiry);

    if (job == NULL) {
        image_facts_leave_out(inquiry, "out of memory");
        return;
    }
    job->inquiry = inquiry;
    job->job.work = facts_read_work;
    job->job.done = on_facts_read;
    job->job.reads = true;
    inquiry->reading = job;
    store_submit(inquiry->store, &job->job);
}

/* Asking the engine. */

/* A hash of the commands, so that a command that was changed is asked again, as an image that was changed is. */
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
    struct image_facts *inquiry = arg;
    const struct language_version *version = inquiry->version;
    struct image_info image;

    (void)error;
    inquiry->call = NULL;
    if (status == 0) {
        inquiry_end(inquiry, IMAGE_FACTS_NO_ENGINE);
        return;
    }
    if (status != 200 || codec_image(reply, &image) != 0) {
        image_facts_leave_out(inquiry, LANGUAGE_LACKS_IMAGE);
        return;
    }
    if (image.volumes > 0) {
        image_facts_leave_out(inquiry, "its image declares volumes");
        return;
    }
    snprintf(inquiry->fingerprint, sizeof inquiry->fingerprint, "%s %08x", image.id,
             argv_sum(version->packages_argv, argv_sum(version->version_argv, 2166136261u)));
    if (version->fingerprint != NULL && strcmp(version->fingerprint, inquiry->fingerprint) == 0) {
        inquiry_end(inquiry, IMAGE_FACTS_SAME);
        return;
    }
    pool_withdraw(inquiry->pool, &version->kind); /* its idle cells are of another image */
    if (read_label(inquiry, &image) == 0)
        inquiry_end(inquiry, IMAGE_FACTS_TOLD);
    else
        facts_look_up(inquiry);
}

void image_facts_begin(struct image_facts *inquiry, struct language *language, struct language_version *version,
                       bool may_ask)
{
    char path[512];

    json_decref(inquiry->packages);
    inquiry->packages = NULL;
    inquiry->language = language;
    inquiry->version = version;
    inquiry->under_way = true;
    inquiry->may_ask = may_ask;
    snprintf(path, sizeof path, "/images/%s/json", version->image);
    inquiry->call =
        engine_call(inquiry->engine,
                    &(struct call_options){.method = "GET", .path = path, .deadline_ms = INSPECT_MS, .metric = "image"},
                    on_inspected, inquiry);
    if (inquiry->call == NULL)
        image_facts_leave_out(inquiry, "out of memory");
}

void image_facts_stop(struct image_facts *inquiry)
{
    inquiry->under_way = false;
    if (inquiry->call != NULL)
        call_cancel(inquiry->call);
    inquiry->call = NULL;
    if (inquiry->reading != NULL)
        inquiry->reading->inquiry = NULL;
    inquiry->reading = NULL;
    if (inquiry->command.under_way) {
        image_command_cancel(&inquiry->command);
        image_command_free(&inquiry->command);
    }
    json_decref(inquiry->packages);
    inquiry->packages = NULL;
}
