/* The header Accept-Encoding (RFC 9110, section 12.5.3). */
#ifndef CODECELL_HTTP_ACCEPT_ENCODING_H
#define CODECELL_HTTP_ACCEPT_ENCODING_H

#include <stdbool.h>

/* Whether a client takes gzip, and does not prefer an answer without any coding. NULL: there is no such header, and the
 * client takes none. An item that is malformed is left out. */
bool http_accepts_gzip(const char *header);

#endif
