/* The client's address in a request that a proxy brings. X-Forwarded-For lists the client and the proxies on the way,
 * because each proxy adds the address that it saw at the end. So we read the list from its end, and believe an entry
 * only if a proxy that the operator trusts has added it (CODECELL_TRUSTED_PROXIES). */
#ifndef CODECELL_HTTP_FORWARDED_H
#define CODECELL_HTTP_FORWARDED_H

#include "base/ip.h"

/* Writes the client's address to `out`. `peer`: the socket's address; NULL: a unix socket. `list`: the header's value,
 * several joined by ","; NULL: none. False: the client is the peer itself, because the peer is not trusted, or the list
 * is empty or not a list of addresses. */
bool http_forwarded_client(const struct ip_nets *trusted, const struct ip *peer, const char *list, struct ip *out);

#endif
