#include "api/intake.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/execute.h"
#include "base/container_of.h"
#include "base/memory.h"

#include <stdlib.h>

void *intake_new(struct http_exchange *ex, int (*check_head)(const struct http_exchange *ex, struct error *error),
                 size_t size)
{
    struct error error = {0};
    bool fine = check_head == NULL || check_head(ex, &error) == 0;
    void *call = fine ? calloc(1, size) : NULL;

    if (call != NULL)
        return call;
    if (error.code == ERROR_NONE)
        error_memory(&error);
    api_respond_error(ex, &error);
    return NULL;
}

void intake_close(struct intake *in)
{
    if (in->body != NULL)
        memory_free_apart(in->api->loop, in->body, in->body_len);
    http_claim_close(&in->claim);
}

static void intake_on_gone(struct pending *pending)
{
    intake_leave(container_of(pending, struct intake, pending));
}

void intake_leave(struct intake *in)
{
    in->left = true;
    if (!in->works) /* otherwise the call is freed when it comes back */
        in->kind->gone(in);
}

static void intake_on_repeat(void *arg, bool fresh)
{
    struct intake *in = arg;

    if (fresh) {
        in->kind->go(in);
        return;
    }
    repeat_answer(in->repeat, pending_end(&in->pending));
    in->kind->free(in);
}

static void intake_read(struct work *work)
{
    struct intake *in = container_of(work, struct intake, work);

    if (in->repeats)
        repeat_hash(in->hash, in->body, in->body_len);
    in->failed = in->kind->read(in);
    memory_free_large(in->body, in->body_len); /* here, because it takes milliseconds for each 10 MB */
    in->body = NULL;
}

static void intake_after_read(struct work *work)
{
    struct intake *in = container_of(work, struct intake, work);

    in->works = false;
    http_claim_set(&in->claim, in->cost);
    if (in->left)
        in->kind->free(in);
    else if (in->failed != 0)
        in->kind->refuse(in, in->error.code, in->error.text);
    else if (in->repeats)
        repeat_begin(&in->repeat, in->pending.ex, in->hash, intake_on_repeat, in);
    else
        in->kind->go(in);
}

static void intake_start(struct intake *in)
{
    if (!http_claim_set(&in->claim, EXECUTE_READ_COST(in->body_len))) {
        in->kind->refuse(in, ERROR_UNAVAILABLE, EXECUTE_NO_ROOM);
        return;
    }
    in->works = true;
    in->work = (struct work){.run = intake_read, .done = intake_after_read};
    work_start(&in->work, in->api->loop, in->body_len);
}

void intake_begin_text(struct intake *in, const struct intake_kind *kind, char *body, size_t len)
{
    in->kind = kind;
    in->body = body;
    in->body_len = len;
    intake_start(in);
}

void intake_begin(struct intake *in, struct http_exchange *ex, const struct intake_kind *kind, bool repeats)
{
    in->kind = kind;
    in->api = api_of(ex);
    in->repeats = repeats && repeat_is_wanted(ex);
    pending_begin(&in->pending, ex, intake_on_gone);
    in->body = http_claim_body(ex, &in->claim, &in->body_len);
    if (in->body == NULL)
        kind->refuse(in, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
    else
        intake_start(in);
}
