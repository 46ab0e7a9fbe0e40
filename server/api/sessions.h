/* Sessions: all executions that a client gave the same session_id. */
#ifndef CODECELL_API_SESSIONS_H
#define CODECELL_API_SESSIONS_H

#include "base/fields.h"
#include "http/http.h"

http_handler api_sessions_create, api_sessions_change;
http_handler api_sessions_list, api_sessions_get, api_sessions_delete, api_sessions_executions;

extern const struct fields session_fields; /* what an answer holds, for documents */

#endif
