/* The happy path: repeat_begin -> begin_work -> the caller's done -> repeat_send -> keep_work -> http_respond. */
#include "api/repeat.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/pending.h"
#include "base/container_of.h"
#include "base/seam.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPEAT_HEADER "Idempotency-Key"
#define REPEAT_AFTER_S 1

struct repeat {
    struct store_job job;
    struct pending pending; /* while the answer is being kept */
    struct api *api;
    bool begins; /* the database has it */
    bool left;   /* by its caller meanwhile */
    void (*done)(void *arg, bool fresh);
    void *arg;
    struct idempotency_request request; /* `text` is the copy below */
    char text[REPEAT_TEXT_MAX + 1];
    enum idempotency_outcome outcome;
    int64_t row; /* of a fresh request; 0: none */
    struct idempotency_answer again;
    struct error error; /* the database can't say */

    /* The answer that is being kept. */
    int status;
    const char *type;
    char *body;
    size_t len;
};

/* The header. */

bool repeat_is_wanted(const struct http_exchange *ex)
{
    return http_header(ex, REPEAT_HEADER) != NULL;
}

int repeat_check(const struct http_exchange *ex, struct error *error)
{
    const char *text = http_header(ex, REPEAT_HEADER);
    size_t len = text != NULL ? strlen(text) : 1;

    if (text != NULL && api_caller(ex)->anonymous)
        return error_set(error, ERROR_FORBIDDEN, REPEAT_HEADER ": needs a key");
    for (const char *at = text; at != NULL && *at != '\0'; at++)
        if (*at <= ' ' || *at > '~')
            len = 0;
    if (len >= 1 && len <= REPEAT_TEXT_MAX)
        return 0;
    return error_set(error, ERROR_INVALID, REPEAT_HEADER ": must be 1 to %d visible ASCII characters", REPEAT_TEXT_MAX);
}

void repeat_hash(unsigned char out[IDEMPOTENCY_HASH_LEN], const char *body, size_t len)
{
    EVP_Digest(body, len, out, NULL, EVP_sha256(), NULL);
}

/* The header's text lives as long as the exchange. */
static struct idempotency_request request_of(const struct http_exchange *ex,
                                             const unsigned char hash[IDEMPOTENCY_HASH_LEN])
{
    struct idempotency_request request = {
        .key_row = api_caller(ex)->key.row, .text = http_header(ex, REPEAT_HEADER), .route = http_route(ex)->pattern};

    memcpy(request.body_sha256, hash, IDEMPOTENCY_HASH_LEN);
    return request;
}

/* The beginning. */

static void repeat_free(struct repeat *repeat)
{
    idempotency_clear(&repeat->again);
    free(repeat->body);
    free(repeat);
}

static int forget_work(struct db *db, struct store_job *job, struct error *error)
{
    return idempotency_forget(db, container_of(job, struct repeat, job)->row, error);
}

/* If it failed, the row stays under way until the next start, or for a day. */
static void forget_done(struct store_job *job, const struct error *error)
{
    (void)error; /* the store reports its own trouble */
    repeat_free(container_of(job, struct repeat, job));
}

static void repeat_forget(struct repeat *repeat)
{
    if (repeat->row == 0) {
        repeat_free(repeat);
        return;
    }
    repeat->job = (struct store_job){.work = forget_work, .done = forget_done};
    store_submit(repeat->api->store, &repeat->job);
}

static int begin_work(struct db *db, struct store_job *job, struct error *error)
{
    struct repeat *repeat = container_of(job, struct repeat, job);

    return idempotency_begin(db, &repeat->request, seam_wall_ms(), &repeat->outcome, &repeat->row, &repeat->again,
                             error);
}

static void begin_done(struct store_job *job, const struct error *error)
{
    struct repeat *repeat = container_of(job, struct repeat, job);

    if (error != NULL) {
        repeat->error = *error;
        repeat->row = 0;
    }
    repeat->begins = false;
    if (repeat->left)
        repeat_forget(repeat);
    else
        repeat->done(repeat->arg, error == NULL && repeat->outcome == IDEMPOTENCY_FRESH);
}

void repeat_begin(struct repeat **out, struct http_exchange *ex, const unsigned char hash[IDEMPOTENCY_HASH_LEN],
                  void (*done)(void *arg, bool fresh), void *arg)
{
    struct repeat *repeat = repeat_is_wanted(ex) ? calloc(1, sizeof *repeat) : NULL;

    *out = repeat;
    if (repeat == NULL) {
        done(arg, !repeat_is_wanted(ex)); /* without memory repeat_answer() says so */
        return;
    }
    repeat->api = api_of(ex);
    repeat->begins = true;
    repeat->done = done;
    repeat->arg = arg;
    repeat->request = request_of(ex, hash);
    snprintf(repeat->text, sizeof repeat->text, "%s", repeat->request.text);
    repeat->request.text = repeat->text;
    repeat->job = (struct store_job){.work = begin_work, .done = begin_done};
    store_submit(repeat->api->store, &repeat->job);
}

/* The ends. */

static void respond_again(struct http_exchange *ex, struct idempotency_answer *answer)
{
    char *body = answer->body;

    answer->body = NULL;
    http_header_add(ex, "Idempotency-Replayed", "true");
    if (*answer->headers != '\0') /* the only header that is kept */
        http_header_add(ex, "Location", "%s", answer->headers);
    http_respond(ex, answer->status, answer->content_type, body, answer->body_len);
}

static void respond_not_fresh(struct http_exchange *ex, enum idempotency_outcome outcome,
                              struct idempotency_answer *answer)
{
    struct error error;

    if (outcome == IDEMPOTENCY_ANSWERED) {
        respond_again(ex, answer);
    } else if (outcome == IDEMPOTENCY_UNDER_WAY) {
        http_header_add(ex, "Retry-After", "%d", REPEAT_AFTER_S);
        error_set(&error, ERROR_CONFLICT, REPEAT_HEADER ": the same request is under way");
        api_respond_error(ex, &error);
    } else {
        error_set(&error, ERROR_MISMATCH, REPEAT_HEADER ": it came with another request before");
        api_respond_error(ex, &error);
    }
}

void repeat_answer(struct repeat *repeat, struct http_exchange *ex)
{
    struct error error;

    error_memory(&error);
    if (repeat == NULL)
        api_respond_error(ex, &error);
    else if (repeat->error.code != ERROR_NONE)
        api_respond_error(ex, &repeat->error);
    else
        respond_not_fresh(ex, repeat->outcome, &repeat->again);
    if (repeat != NULL)
        repeat_free(repeat);
}

int repeat_keep(const struct repeat *repeat, struct db *db, int status, const char *location, const char *body,
                size_t len, struct error *error)
{
    const struct idempotency_answer answer = {.status = status,
                                              .content_type = (char[]){"application/json"},
                                              .headers = (char *)location,
                                              .body = (char *)body,
                                              .body_len = len};

    return repeat == NULL ? 0 : idempotency_finish(db, repeat->row, &answer, seam_wall_ms(), error);
}

void repeat_over(struct repeat *repeat)
{
    if (repeat != NULL)
        repeat_free(repeat);
}

static int keep_work(struct db *db, struct store_job *job, struct error *error)
{
    const struct repeat *repeat = container_of(job, struct repeat, job);

    return repeat_keep(repeat, db, repeat->status, "", repeat->body, repeat->len, error);
}

/* If the answer could not be kept, the same request may run again. */
static void keep_done(struct store_job *job, const struct error *error)
{
    struct repeat *repeat = container_of(job, struct repeat, job);
    struct http_exchange *ex = pending_end(&repeat->pending);

    if (ex != NULL) {
        http_respond(ex, repeat->status, repeat->type, repeat->body, repeat->len);
        repeat->body = NULL;
    }
    if (error != NULL)
        repeat_forget(repeat);
    else
        repeat_free(repeat);
}

static bool is_kept(int status)
{
    return status == 200 || status == 202 || status == 500;
}

void repeat_send(struct repeat *repeat, struct http_exchange *ex, int status, const char *type, char *body, size_t len)
{
    if (repeat == NULL || !is_kept(status)) {
        repeat_leave(repeat);
        if (ex != NULL)
            http_respond(ex, status, type, body, len);
        else
            free(body);
        return;
    }
    repeat->status = status;
    repeat->type = type;
    repeat->body = body;
    repeat->len = len;
    if (ex != NULL)
        pending_begin(&repeat->pending, ex, NULL);
    repeat->job = (struct store_job){.work = keep_work, .done = keep_done};
    store_submit(repeat->api->store, &repeat->job);
}

void repeat_leave(struct repeat *repeat)
{
    if (repeat == NULL)
        return;
    if (repeat->begins)
        repeat->left = true; /* begin_done() forgets it */
    else
        repeat_forget(repeat);
}
