/* The manners of an API that runs programs: what http/manners.h says, and what the API's requests are let in for. Every
 * entry of http_options.manners is the `http` of such a struct. */
#ifndef CODECELL_API_MANNERS_H
#define CODECELL_API_MANNERS_H

#include "http/manners.h"

#include <stdint.h>

struct http_exchange;

struct api_manners {
    struct http_manners http;
    const char *face;      /* keys that are limited to a face must be limited to this one; NULL: our own API */
    const char *anonymous; /* the name of the key of requests that show none; NULL: they are 401 */
    int64_t credits;       /* that an execution takes of a prepaid key */
};

extern const struct http_manners *const api_manners[]; /* of our own API; ends with NULL */

const struct api_manners *api_manners_of(const struct http_exchange *ex);

#endif
