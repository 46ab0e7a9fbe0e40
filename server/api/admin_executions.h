/* GET /api/v1/admin/executions: the last executions of all keys, for keys with the scope admin. They come without code,
 * input and output. */
#ifndef CODECELL_API_ADMIN_EXECUTIONS_H
#define CODECELL_API_ADMIN_EXECUTIONS_H

#include "base/fields.h"
#include "http/http.h"

http_handler api_admin_executions;

extern const struct fields admin_executions_list_fields; /* the parameters, besides those of a page */
extern const struct fields admin_owner_fields;           /* what an item has besides execution_fields */

#endif
