/* GET /api/v1/admin/history: the last hour, minute by minute (run/history.h), for keys with the scope admin. */
#ifndef CODECELL_API_ADMIN_HISTORY_H
#define CODECELL_API_ADMIN_HISTORY_H

#include "base/fields.h"
#include "http/http.h"

http_handler api_admin_history;

extern const struct fields admin_history_query_fields, admin_history_fields;

#endif
