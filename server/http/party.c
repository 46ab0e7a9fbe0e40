#include "http/party.h"

#include <string.h>

struct http_party http_party_key(int64_t key)
{
    return (struct http_party){.is_key = true, .key = key};
}

struct http_party http_party_address(const struct ip *ip)
{
    return (struct http_party){.address = ip_group(ip)};
}

bool http_party_is(const struct http_party *party, const struct http_party *other)
{
    if (party->is_key != other->is_key)
        return false;
    return party->is_key ? party->key == other->key
                         : memcmp(&party->address, &other->address, sizeof party->address) == 0;
}
