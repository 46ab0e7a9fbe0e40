/* The header If-None-Match (RFC 9110, section 13.1.2). */
#ifndef CODECELL_HTTP_ETAG_H
#define CODECELL_HTTP_ETAG_H

#include <stdbool.h>

/* Whether a client has the answer of this ETag already. `header`: its If-None-Match, NULL: there is none. W/ makes no
 * difference. */
bool http_etag_fits(const char *header, const char *etag);

#endif
