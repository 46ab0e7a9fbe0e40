#include "http/presented_key.h"

#include "http/exchange.h"
#include "http/manners.h"

#include <string.h>
#include <strings.h>

static const char *after_scheme(const char *authorization, const char *scheme)
{
    size_t len = strlen(scheme);

    if (authorization == NULL || strncasecmp(authorization, scheme, len) != 0 || authorization[len] != ' ')
        return NULL;
    return authorization + len + strspn(authorization + len, " ");
}

static const char *key_at(const struct http_exchange *ex, const struct http_key_place *place)
{
    const char *key;

    if (place->kind == HTTP_KEY_AUTHORIZATION)
        return after_scheme(http_header(ex, "Authorization"), place->name);
    key = place->kind == HTTP_KEY_HEADER ? http_header(ex, place->name) : http_query(ex, place->name);
    return key != NULL && *key != '\0' ? key : NULL;
}

const char *http_presented_key(const struct http_exchange *ex, const struct http_manners *manners)
{
    const char *key = NULL;

    for (const struct http_key_place *place = manners->keys; key == NULL && place->kind != HTTP_KEY_NONE; place++)
        key = key_at(ex, place);
    return key;
}
