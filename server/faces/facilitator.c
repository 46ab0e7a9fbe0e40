/* One question: facilitator_ask -> an easy handle -> on_transferred -> the caller's `done`. */
#include "faces/facilitator.h"

#include "base/buf.h"
#include "base/container_of.h"
#include "base/curl_loop.h"
#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 5000L
#define IDLE_CONNECTIONS 1L /* none is kept */
#define PATH_ROOM 32        /* for "/verify" */

struct facilitator {
    struct curl_loop curl;
    unsigned calls;
    char url[FACILITATOR_URL_MAX + 1]; /* without a slash at its end */
};

struct facilitator_call {
    struct facilitator *facilitator;
    struct transfer transfer;
    struct curl_slist *headers;
    char *body;
    struct buf answer;
    facilitator_done *done;
    void *arg;
};

/* Calls. */

static void ask_free(struct facilitator_call *call)
{
    curl_easy_cleanup(call->transfer.easy);
    curl_slist_free_all(call->headers);
    free(call->body);
    buf_free(&call->answer);
    free(call);
}

static void ask_withdraw(struct facilitator_call *call)
{
    curl_loop_remove(&call->facilitator->curl, &call->transfer);
    call->facilitator->calls--;
}

static void on_transferred(struct transfer *transfer, CURLcode code)
{
    struct facilitator_call *call = container_of(transfer, struct facilitator_call, transfer);
    facilitator_done *done = call->done;
    void *arg = call->arg;
    json_t *answer = NULL;
    struct error error;
    long status = 0;

    if (code == CURLE_OK) {
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        answer = call->answer.len > 0 ? json_parse(call->answer.data, call->answer.len, &error) : NULL;
    }
    ask_withdraw(call);
    ask_free(call);
    done(arg, (int)status, answer);
    json_decref(answer);
}

static size_t on_answer(char *data, size_t size, size_t len, void *arg)
{
    struct facilitator_call *call = arg;

    (void)size; /* always 1 */
    return buf_append(&call->answer, data, len) == 0 ? len : 0;
}

/* "Expect:" without a value keeps curl from waiting for 100 Continue. */
static int ask_set_headers(struct facilitator_call *call)
{
    static const char *const lines[] = {"Expect:", "Content-Type: application/json", "Accept: application/json"};

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct curl_slist *longer = curl_slist_append(call->headers, lines[i]);
        if (longer == NULL)
            return -1;
        call->headers = longer;
    }
    return curl_easy_setopt(call->transfer.easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK ? 0 : -1;
}

static int ask_set_up(struct facilitator_call *call, const char *path, const json_t *body, uint64_t deadline_ms)
{
    char url[FACILITATOR_URL_MAX + PATH_ROOM];
    CURL *easy = call->transfer.easy = curl_easy_init();
    size_t len = 0;

    call->body = body != NULL ? json_text(body, &len) : NULL;
    if (easy == NULL || call->body == NULL || strlen(path) >= PATH_ROOM - 1)
        return -1;
    snprintf(url, sizeof url, "%s%s", call->facilitator->url, path);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    /* If a kept connection breaks, curl sends the request again by itself. A settlement must not be asked for twice
     * unseen, because the second answer says nothing of the first one. */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)deadline_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
                   curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK
               ? -1
               : ask_set_headers(call);
}

struct facilitator_call *facilitator_ask(struct facilitator *facilitator, const char *path, const json_t *body,
                                         uint64_t deadline_ms, facilitator_done *done, void *arg)
{
    struct facilitator_call *call = facilitator->calls < FACILITATOR_CALLS_MAX ? calloc(1, sizeof *call) : NULL;

    if (call == NULL)
        return NULL;
    call->facilitator = facilitator;
    call->transfer.done = on_transferred;
    call->done = done;
    call->arg = arg;
    buf_init(&call->answer, FACILITATOR_ANSWER_MAX);
    if (ask_set_up(call, path, body, deadline_ms) != 0 || curl_loop_add(&facilitator->curl, &call->transfer) != 0) {
        ask_free(call);
        return NULL;
    }
    facilitator->calls++;
    return call;
}

void facilitator_cancel(struct facilitator_call *call)
{
    ask_withdraw(call);
    ask_free(call);
}

/* Life. */

/* A URL of http or https with a host, without user, query or fragment. */
static bool url_is_fine(const char *url)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *other = NULL;
    bool fine = parts != NULL && strlen(url) <= FACILITATOR_URL_MAX &&
                curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

    curl_free(scheme);
    static const CURLUPart refused[] = {CURLUPART_USER, CURLUPART_QUERY, CURLUPART_FRAGMENT};
    for (size_t i = 0; fine && i < sizeof refused / sizeof *refused; i++) {
        fine = curl_url_get(parts, refused[i], &other, 0) != CURLUE_OK;
        curl_free(other);
        other = NULL;
    }
    curl_url_cleanup(parts);
    return fine;
}

int facilitator_open(struct facilitator **out, uv_loop_t *loop, const char *url, struct error *error)
{
    *out = NULL;
    if (!url_is_fine(url))
        return error_set(error, ERROR_INVALID,
                         "must be a URL of http or https of at most %d bytes, without user, query and fragment",
                         FACILITATOR_URL_MAX);
    struct facilitator *facilitator = calloc(1, sizeof *facilitator);
    if (facilitator == NULL)
        return error_memory(error);
    size_t len = strlen(url);
    while (url[len - 1] == '/')
        len--;
    text_copy(facilitator->url, len + 1, url);
    curl_loop_open(&facilitator->curl, loop, IDLE_CONNECTIONS);
    *out = facilitator;
    return 0;
}

void facilitator_close(struct facilitator *facilitator)
{
    if (facilitator != NULL)
        curl_loop_close(&facilitator->curl, free, facilitator);
}
