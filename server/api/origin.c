#include "api/origin.h"

#include <string.h>
#include <strings.h>

/* The length of a host with the scheme's default port left out. */
static size_t host_len(const char *host, bool is_https)
{
    const char *port = is_https ? ":443" : ":80";
    size_t len = strlen(host), port_len = strlen(port);

    return len > port_len && strcmp(host + len - port_len, port) == 0 ? len - port_len : len;
}

bool origin_is_foreign(const char *origin, const char *host)
{
    if (origin == NULL)
        return false;
    const char *at = strstr(origin, "://");
    if (at == NULL || host == NULL)
        return true;
    bool is_https = strncasecmp(origin, "https:", 6) == 0;
    size_t len = host_len(at + 3, is_https);
    return len == 0 || len != host_len(host, is_https) || strncasecmp(at + 3, host, len) != 0;
}
