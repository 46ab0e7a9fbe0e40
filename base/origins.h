/* Lists of origins, as browsers write them in the header Origin: "https://a.example, http://localhost:3000". A list of
 * "*" has every origin. */
#ifndef CODECELL_BASE_ORIGINS_H
#define CODECELL_BASE_ORIGINS_H

#include <stdbool.h>

/* Whether a text is such a list: "", "*", or origins with commas between. An origin is SCHEME://HOST or
 * SCHEME://HOST:PORT, without a path. */
bool origins_are_valid(const char *list);

bool origins_are_all(const char *list); /* it is "*" */

/* Whether the list has the origin. Letters count in either case. NULL and "null" are in no list except "*". */
bool origins_have(const char *list, const char *origin);

#endif
