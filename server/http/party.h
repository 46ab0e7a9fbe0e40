/* Whom something is held for: a key, or the client's address as long as no key is known. */
#ifndef CODECELL_HTTP_PARTY_H
#define CODECELL_HTTP_PARTY_H

#include "base/ip.h"

#include <stdbool.h>
#include <stdint.h>

struct http_party {
    bool is_key;
    union {
        struct ip address; /* a group (ip_group) */
        int64_t key;       /* its row */
    };
};

struct http_party http_party_key(int64_t key);
struct http_party http_party_address(const struct ip *ip); /* of the client's group */

bool http_party_is(const struct http_party *party, const struct http_party *other);

#endif
