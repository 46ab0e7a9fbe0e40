/* GET /api/v1/executions/{id}/events: an execution of the key, followed from its beginning or behind Last-Event-ID. */
#ifndef CODECELL_API_FOLLOW_H
#define CODECELL_API_FOLLOW_H

#include "http/http.h"

http_handler api_execution_events;

#endif
