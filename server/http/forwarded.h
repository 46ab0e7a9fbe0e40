/* Whose request it is when a proxy brings it: X-Forwarded-For lists the client and the proxies on its way, each proxy
 * having added the address that it saw, at the end. So the list is read from its end, and believed only as long as the
 * one who wrote is a proxy that the operator trusts (CODECELL_TRUSTED_PROXIES). */
#ifndef CODECELL_HTTP_FORWARDED_H
#define CODECELL_HTTP_FORWARDED_H

#include "base/ip.h"

/* The client's address. `peer`: the socket's, NULL for a unix socket. `list`: the header's value, several joined by
 * ",", NULL for none. False: it is the peer itself, because the peer is not trusted, nothing is listed, or what is
 * listed is not a list of addresses. */
bool http_forwarded_client(const struct ip_nets *trusted, const struct ip *peer, const char *list, struct ip *out);

#endif
