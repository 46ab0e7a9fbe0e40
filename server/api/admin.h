/* GET /api/v1/admin/overview: what runs and waits, the pool, the health of the parts, and warnings, for keys with the
 * scope admin. */
#ifndef CODECELL_API_ADMIN_H
#define CODECELL_API_ADMIN_H

#include "base/fields.h"
#include "http/http.h"

http_handler api_admin_overview;

extern const struct fields admin_overview_fields; /* what the answer holds, for documents */

#endif
