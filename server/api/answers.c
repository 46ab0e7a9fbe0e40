#include "api/answers.h"

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

#define RETRY_AFTER_S 1 /* what is unavailable here (a queue, the engine) may be back at once */

void api_respond(struct http_exchange *ex, int status, json_t *value)
{
    size_t len;
    char *text = value != NULL ? json_text(value, &len) : NULL;

    json_decref(value);
    if (text != NULL) {
        http_respond(ex, status, "application/json", text, len);
    } else {
        struct error error;
        error_memory(&error);
        api_respond_error(ex, &error);
    }
}

/* How a client should show its key: the first place at which its API looks for one. */
static const char *key_scheme(const struct http_exchange *ex)
{
    const struct http_key_place *first = http_manners(ex)->keys;

    return first->kind == HTTP_KEY_AUTHORIZATION ? first->name : "ApiKey";
}

void api_respond_sentence(struct http_exchange *ex, enum error_code code, const char *sentence)
{
    if (code == ERROR_INTERNAL || code == ERROR_MEMORY)
        log_event(LOG_ERROR, "http.error", LOG_STR("id", http_request_id(ex)), LOG_STR("error", sentence));
    if (code == ERROR_UNAUTHORIZED)
        http_header_add(ex, "WWW-Authenticate", "%s", key_scheme(ex));
    bool later = error_status(code) == 503 || code == ERROR_RATE;
    if (later && !http_header_is_added(ex, "Retry-After")) /* a rate has its own */
        http_header_add(ex, "Retry-After", "%d", RETRY_AFTER_S);
    http_respond_error(ex, error_status(code), code == ERROR_INTERNAL ? "Internal error" : sentence);
}

void api_respond_error(struct http_exchange *ex, const struct error *error)
{
    api_respond_sentence(ex, error->code, error->text);
}

json_t *api_seconds(int64_t ns)
{
    int64_t us = (ns + 500) / 1000;

    return ns < 0 ? json_null() : json_real((double)us / 1e6);
}

json_t *api_megabytes(int64_t bytes)
{
    int64_t thousandths = (bytes * 125 + 65536) / 131072; /* of 1048576 bytes, rounded */

    return bytes < 0 ? json_null() : json_real((double)thousandths / 1e3);
}

json_t *api_time(int64_t ms)
{
    char text[TIME_LEN + 1];

    if (ms == 0)
        return json_null();
    text_time(ms, text);
    return json_string(text);
}

json_t *api_text(const char *text)
{
    return *text != '\0' ? json_string(text) : json_null();
}
