/* Which host a request is for: the syntax of "host:port" in the header Host and in a target's URL. */
#ifndef CODECELL_HTTP_REQUEST_HOST_H
#define CODECELL_HTTP_REQUEST_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* `text` is uri-host [":" port] (RFC 3986, section 3.2; RFC 9110, section 7.2): a name, an IPv4 address or one in
 * brackets; the port's digits may be missing and are at most 65535. User information and IPv6 zones are refused. The
 * host is not empty, but for a `text` that is empty altogether, where `empty` allows it: so a client writes Host where
 * its URL has no host. */
bool http_is_host(const char *text, size_t len, bool empty);

#endif
