#include "api/manners.h"

static const struct http_key_place api_keys[] = {
    {HTTP_KEY_HEADER, "X-API-Key"},
    {HTTP_KEY_AUTHORIZATION, "Bearer"},
    {HTTP_KEY_NONE, NULL},
};

static const struct http_manners api = {
    .prefix = "",
    .error_type = "application/json",
    .error_body = http_error_detail,
    .keys = api_keys,
    .cost = 1,
};

/* Collectors of metrics have a key of their own. */
static const struct http_manners metrics = {
    .prefix = "/metrics",
    .error_type = "application/json",
    .error_body = http_error_detail,
    .keys = &api_keys[1],
    .cost = 1,
};

const struct http_manners *const api_manners[] = {&api, &metrics, NULL};
