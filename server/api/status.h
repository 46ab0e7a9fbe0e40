/* GET /api/v1/execute/status/{id}: an execution that was accepted to run in the background. */
#ifndef CODECELL_API_STATUS_H
#define CODECELL_API_STATUS_H

#include "base/fields.h"
#include "http/http.h"

http_handler api_status;

extern const struct fields status_query_fields;

#endif
