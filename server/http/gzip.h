/* Answers in gzip, for clients that ask for it. */
#ifndef CODECELL_HTTP_GZIP_H
#define CODECELL_HTTP_GZIP_H

#include "http/filter.h"

#define HTTP_GZIP_MIN 1024 /* bytes: an answer of at most so many stays as it is */

/* Takes an answer of text or JSON if its length is above HTTP_GZIP_MIN or not known, and the client accepts gzip. It
 * leaves alone: streams of events, because each must arrive at once, and an answer that has a strong
 * ETag, or one of the headers Content-Encoding and Content-Range, because these speak of other bytes. */
extern const struct http_filter http_gzip;

/* Whether answers of this Content-Type get smaller. */
bool http_gzip_pays(const char *type);

#endif
