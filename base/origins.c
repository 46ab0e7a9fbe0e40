#include "base/origins.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BETWEEN ", "
#define HOST_MAX 253 /* bytes of a name */

/* The length of the next item, to whose beginning `*at` is moved; 0: there is none. */
static size_t next_origin(const char **at)
{
    *at += strspn(*at, BETWEEN);
    return strcspn(*at, BETWEEN);
}

static size_t span(const char *text, size_t len, const char *also)
{
    size_t n = 0;

    while (n < len && (isalnum((unsigned char)text[n]) || strchr(also, text[n]) != NULL))
        n++;
    return n;
}

/* ":443", or nothing. */
static bool is_port(const char *text, size_t len)
{
    size_t digits = len > 0 ? strspn(text + 1, "0123456789") : 0;

    if (len == 0)
        return true;
    return text[0] == ':' && len >= 2 && len <= 6 && digits >= len - 1 && text[1] != '0' &&
           strtol(text + 1, NULL, 10) <= 65535;
}

/* A name, an IPv4 address, or an IPv6 address in brackets. */
static size_t host_length(const char *text, size_t len)
{
    if (len == 0 || text[0] != '[')
        return span(text, len, "-._");
    size_t inside = span(text + 1, len - 1, ":.");
    return inside >= 2 && inside + 1 < len && text[inside + 1] == ']' ? inside + 2 : 0;
}

static bool is_origin(const char *text, size_t len)
{
    size_t scheme = span(text, len, "+-.");

    if (scheme == 0 || !isalpha((unsigned char)text[0]) || len < scheme + 3 || memcmp(text + scheme, "://", 3) != 0)
        return false;
    const char *host = text + scheme + 3;
    size_t rest = len - scheme - 3, host_len = host_length(host, rest);
    return host_len > 0 && host_len <= HOST_MAX && is_port(host + host_len, rest - host_len);
}

bool origins_are_all(const char *list)
{
    return strcmp(list, "*") == 0;
}

bool origins_are_valid(const char *list)
{
    size_t len;

    if (origins_are_all(list))
        return true;
    for (const char *at = list; (len = next_origin(&at)) > 0; at += len)
        if (!is_origin(at, len))
            return false;
    return true;
}

bool origins_have(const char *list, const char *origin)
{
    size_t len;

    if (origins_are_all(list))
        return true;
    for (const char *at = list; origin != NULL && (len = next_origin(&at)) > 0; at += len)
        if (strlen(origin) == len && strncasecmp(at, origin, len) == 0)
            return true;
    return false;
}
