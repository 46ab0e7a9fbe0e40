/* Sessions: all executions that a client gave the same session_id. */
#ifndef CODECELL_API_SESSIONS_H
#define CODECELL_API_SESSIONS_H

#include "http/http.h"

http_handler api_sessions_list, api_sessions_get, api_sessions_delete, api_sessions_executions;

#endif
