#include "faces/mcp_reach.h"

#include "api/origin.h"
#include "base/ip.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define HOST_LOCAL "localhost"

static bool is_loopback(const char *host)
{
    size_t len = strcspn(host, ":");
    struct ip ip;

    if (len == strlen(HOST_LOCAL) && strncasecmp(host, HOST_LOCAL, len) == 0)
        return true;
    return ip_parse(host, strlen(host), &ip) && ip_is_loopback(&ip);
}

const char *mcp_unreachable(const char *origin, const char *host, bool direct)
{
    if (origin_is_foreign(origin, host))
        return "Origin: pages of other servers may not use this server";
    if (direct && (host == NULL || !is_loopback(host)))
        return "Host: must name this machine (localhost, 127.0.0.1 or [::1]) on a connection from this machine";
    return NULL;
}
