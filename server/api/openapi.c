/* The happy path: api_openapi -> openapi_work (a worker thread) -> openapi_made -> http_respond. If the last document
 * is still true, it is the answer at once. */
#include "api/openapi.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/execute.h"
#include "api/pending.h"
#include "api/work.h"
#include "base/container_of.h"
#include "base/json.h"
#include "base/text.h"
#include "http/etag.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LANGUAGE "python" /* of the examples, if it is offered */

struct openapi_call {
    struct pending pending;
    struct api *api;
    struct openapi made;
    struct work work;
};

static void offer_clear(struct openapi_offer *offer)
{
    json_decref(offer->ids);
    json_decref(offer->program);
}

void openapi_free(struct openapi *openapi)
{
    offer_clear(&openapi->offer);
    free(openapi->text);
    *openapi = (struct openapi){.text = NULL};
}

static void call_free(struct openapi_call *call)
{
    openapi_free(&call->made);
    free(call);
}

/* The offer. */

static json_t *program_json(const struct language *language)
{
    json_t *program = json_pack("{s:s, s:s}", "language", language->id, "code", language->example_code);

    if (language->example_stdin != NULL)
        json_object_set_new(program, "stdin", json_string(language->example_stdin));
    return program;
}

static void offer_take(struct openapi_offer *offer, struct api *api)
{
    const struct execute_rules rules = {.max_code = api->max_code,
                                        .max_stdin = api->max_stdin,
                                        .max_timeout = EXECUTE_TIMEOUT_MAX,
                                        .maxima = api->maxima,
                                        .background = true};

    *offer = (struct openapi_offer){.ids = json_array()};
    execute_bounds(offer->bounds, &rules);
    for (size_t i = 0; i < catalog_count(api->languages); i++) {
        const struct language *language = catalog_at(api->languages, i);
        if (language_default(language) == NULL)
            continue;
        json_array_append_new(offer->ids, json_string(language->id));
        if (offer->program != NULL && strcmp(language->id, FIRST_LANGUAGE) != 0)
            continue;
        json_decref(offer->program);
        offer->program = program_json(language);
    }
    if (offer->program == NULL)
        offer->program = json_pack("{s:s, s:s}", "language", FIRST_LANGUAGE, "code", "print(6 * 7)");
}

static bool offer_is(const struct openapi_offer *offer, const struct openapi_offer *other)
{
    return json_equal(offer->ids, other->ids) && memcmp(offer->bounds, other->bounds, sizeof offer->bounds) == 0;
}

/* The document. */

static int make_etag(struct openapi *openapi)
{
    unsigned char hash[EVP_MAX_MD_SIZE];

    if (EVP_Digest(openapi->text, openapi->len, hash, NULL, EVP_sha256(), NULL) != 1)
        return -1;
    text_hex(hash, OPENAPI_ETAG_LEN / 2, openapi->etag);
    return 0;
}

static void openapi_work(struct work *work)
{
    struct openapi_call *call = container_of(work, struct openapi_call, work);
    struct openapi *made = &call->made;
    json_t *document = openapi_document(&made->offer, call->api->routes);

    made->text = document != NULL ? json_text(document, &made->len) : NULL;
    json_decref(document);
    if (made->text != NULL && make_etag(made) != 0) {
        free(made->text);
        made->text = NULL;
    }
}

/* The ETag is a weak one, because the answer may be sent in gzip. */
static void openapi_respond(struct http_exchange *ex, const struct openapi *openapi)
{
    char etag[OPENAPI_ETAG_LEN + 8];

    snprintf(etag, sizeof etag, "W/\"%s\"", openapi->etag);
    http_header_add(ex, "ETag", "%s", etag);
    http_header_add(ex, "Cache-Control", "no-cache");
    if (http_etag_fits(http_header(ex, "If-None-Match"), etag)) {
        http_respond(ex, 304, "application/json", NULL, 0);
        return;
    }
    char *copy = malloc(openapi->len + 1);
    if (copy == NULL) {
        api_respond(ex, 200, NULL);
        return;
    }
    memcpy(copy, openapi->text, openapi->len + 1);
    http_respond(ex, 200, "application/json", copy, openapi->len);
}

static void openapi_made(struct work *work)
{
    struct openapi_call *call = container_of(work, struct openapi_call, work);
    struct openapi *last = &call->api->openapi;
    struct http_exchange *ex = pending_end(&call->pending);

    if (call->made.text == NULL) {
        if (ex != NULL)
            api_respond(ex, 200, NULL);
    } else {
        openapi_free(last);
        *last = call->made;
        call->made = (struct openapi){.text = NULL};
        if (ex != NULL)
            openapi_respond(ex, last);
    }
    call_free(call);
}

void api_openapi(struct http_exchange *ex)
{
    struct api *api = api_of(ex);
    struct openapi_call *call = calloc(1, sizeof *call);

    if (call == NULL) {
        api_respond(ex, 200, NULL);
        return;
    }
    offer_take(&call->made.offer, api);
    if (api->openapi.text != NULL && offer_is(&api->openapi.offer, &call->made.offer)) {
        openapi_respond(ex, &api->openapi);
        call_free(call);
        return;
    }
    call->api = api;
    call->work = (struct work){.run = openapi_work, .done = openapi_made};
    pending_begin(&call->pending, ex, NULL);
    work_start(&call->work, api->loop, SIZE_MAX);
}
