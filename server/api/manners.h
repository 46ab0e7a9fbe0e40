/* The manners of our own API (http/manners.h). */
#ifndef CODECELL_API_MANNERS_H
#define CODECELL_API_MANNERS_H

#include "http/manners.h"

extern const struct http_manners *const api_manners[]; /* ends with NULL */

#endif
