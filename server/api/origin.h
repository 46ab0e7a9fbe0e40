/* Whether a browser sends a request for a page of another server. A page can make a browser send a request with a body
 * of text/plain to any address without asking first, so requests that need no key must not be served then. */
#ifndef CODECELL_API_ORIGIN_H
#define CODECELL_API_ORIGIN_H

#include <stdbool.h>

/* By the headers Origin and Host. NULL for Origin: no browser, or its own page without one: not foreign. An Origin of
 * "null" and one without a host are foreign. Default ports count as written: http://a is the same as Host a:80. */
bool origin_is_foreign(const char *origin, const char *host);

#endif
