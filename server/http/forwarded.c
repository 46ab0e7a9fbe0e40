#include "http/forwarded.h"

#include <string.h>

static bool is_trusted(const struct ip_nets *trusted, const struct ip *peer)
{
    return peer != NULL ? ip_nets_have(trusted, peer) : trusted->local;
}

static bool is_list_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the last entry and its comma off the first *len bytes. False: it is not an address. */
static bool take_last(const char *list, size_t *len, struct ip *out)
{
    size_t end = *len, start;

    for (start = end; start > 0 && list[start - 1] != ','; start--)
        ;
    *len = start > 0 ? start - 1 : 0;
    while (end > start && is_list_space(list[end - 1]))
        end--;
    while (start < end && is_list_space(list[start]))
        start++;
    return ip_parse(list + start, end - start, out);
}

bool http_forwarded_client(const struct ip_nets *trusted, const struct ip *peer, const char *list, struct ip *out)
{
    struct ip ip;
    size_t len = list != NULL ? strlen(list) : 0;

    if (len == 0 || !is_trusted(trusted, peer))
        return false;
    do
        if (!take_last(list, &len, &ip))
            return false;
    while (len > 0 && ip_nets_have(trusted, &ip));
    *out = ip;
    return true;
}
