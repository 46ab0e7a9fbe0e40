#include "http/shares.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

int64_t http_address_owner(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    uint64_t prefix = 0;

    if (inet_pton(AF_INET, address, &v4) == 1)
        return -1 - (int64_t)ntohl(v4.s_addr);
    if (inet_pton(AF_INET6, address, &v6) != 1)
        return 0;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
        memcpy(&v4, v6.s6_addr + 12, sizeof v4);
        return -1 - (int64_t)ntohl(v4.s_addr);
    }
    for (size_t i = 0; i < 8; i++)
        prefix = prefix << 8 | v6.s6_addr[i];
    return INT64_MIN + (int64_t)(prefix & INT64_MAX);
}

struct http_share *http_shares_join(struct http_shares *shares, int64_t owner)
{
    struct http_share *share = shares->first;

    while (share != NULL && share->owner != owner)
        share = share->next;
    if (share == NULL) {
        share = calloc(1, sizeof *share);
        if (share == NULL)
            return NULL;
        share->owner = owner;
        share->next = shares->first;
        shares->first = share;
    }
    share->users++;
    return share;
}

void http_shares_leave(struct http_shares *shares, struct http_share *share)
{
    struct http_share **at = &shares->first;

    if (--share->users > 0)
        return;
    while (*at != share)
        at = &(*at)->next;
    *at = share->next;
    free(share);
}

void http_shares_move(struct http_shares *shares, struct http_share *share, size_t before, size_t now)
{
    shares->total += now - before;
    if (share != NULL)
        share->bytes += now - before;
}

bool http_shares_fit(const struct http_shares *shares, const struct http_share *share, size_t own)
{
    size_t held = share != NULL ? share->bytes : own;

    if (held <= HTTP_SHARE_SMALL)
        return true;
    if (shares->total > shares->most)
        return false;
    return own <= HTTP_SHARE_SMALL || own == held || held <= shares->most - shares->total;
}
