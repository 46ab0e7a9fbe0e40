/* The host that a request is for: the syntax of "host:port" in the header Host and in a target's URL. */
#ifndef CODECELL_HTTP_REQUEST_HOST_H
#define CODECELL_HTTP_REQUEST_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* `text` is uri-host [":" port] (RFC 3986, section 3.2; RFC 9110, section 7.2): a name, an IPv4 address or one in
 * brackets. The port's digits may be missing, and the port is at most 65535. User information and IPv6 zones are
 * refused. The host must not be empty. But if `empty`, the whole `text` may be: a client writes such a Host if its URL
 * has no host.
 */
bool http_is_host(const char *text, size_t len, bool empty);

#endif
