#include "api/cors.h"

#include "api/api.h"
#include "base/origins.h"

#include <string.h>

#define PREFLIGHT_S 600 /* how long a browser may remember an answer to OPTIONS */

bool cors_are_names(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_, ";

    return text[strspn(text, allowed)] == '\0';
}

bool api_cors_allows(const struct http_exchange *ex)
{
    return origins_have(api_of(ex)->cors, http_header(ex, "Origin"));
}

/* A browser asks before it sends a request that a form could not send. */
static void answer_preflight(struct http_exchange *ex)
{
    const char *names = http_header(ex, "Access-Control-Request-Headers");

    http_header_add(ex, "Access-Control-Allow-Methods", "%s", http_allowed(ex));
    if (names != NULL && cors_are_names(names))
        http_header_add(ex, "Access-Control-Allow-Headers", "%s", names);
    http_header_add(ex, "Access-Control-Max-Age", "%d", PREFLIGHT_S);
}

/* With a list of origins, the answer differs from one origin to the next, and a cache must know that. */
void api_cors(struct http_exchange *ex)
{
    const char *list = api_of(ex)->cors, *origin = http_header(ex, "Origin");

    if (*list == '\0')
        return;
    if (!origins_are_all(list))
        http_header_add(ex, "Vary", "Origin");
    if (!api_cors_allows(ex))
        return;
    http_header_add(ex, "Access-Control-Allow-Origin", "%s", origins_are_all(list) ? "*" : origin);
    if (http_header(ex, "Access-Control-Request-Method") != NULL && *http_allowed(ex) != '\0')
        answer_preflight(ex);
    else
        http_header_add(ex, "Access-Control-Expose-Headers", "*");
}
