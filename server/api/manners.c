#include "api/manners.h"

#include "base/container_of.h"
#include "http/exchange.h"

static const struct http_key_place api_keys[] = {
    {HTTP_KEY_HEADER, "X-API-Key"},
    {HTTP_KEY_AUTHORIZATION, "Bearer"},
    {HTTP_KEY_NONE, NULL},
};

static const struct api_manners api = {
    .http =
        {.prefix = "", .error_type = "application/json", .error_body = http_error_detail, .keys = api_keys, .cost = 1},
    .credits = 1,
};

/* Collectors of metrics have a key of their own. */
static const struct api_manners metrics = {
    .http = {.prefix = "/metrics",
             .error_type = "application/json",
             .error_body = http_error_detail,
             .keys = &api_keys[1],
             .cost = 1},
};

const struct http_manners *const api_manners[] = {&api.http, &metrics.http, NULL};

const struct api_manners *api_manners_of(const struct http_exchange *ex)
{
    return container_of(http_manners(ex), const struct api_manners, http);
}
