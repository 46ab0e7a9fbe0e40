#include "http/shares.h"

#include <stdlib.h>

struct http_share *http_shares_join(struct http_shares *shares, const struct http_party *owner)
{
    struct http_share *share = shares->first;

    while (share != NULL && !http_party_is(&share->owner, owner))
        share = share->next;
    if (share == NULL) {
        share = calloc(1, sizeof *share);
        if (share == NULL)
            return NULL;
        share->owner = *owner;
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

    if (own == 0 || held <= HTTP_SHARE_SMALL)
        return true;
    if (shares->total > shares->most)
        return false;
    size_t left = shares->most - shares->total;
    return own == held || held / (own <= HTTP_SHARE_SMALL ? HTTP_SHARE_SMALL_TIMES : 1) <= left;
}
