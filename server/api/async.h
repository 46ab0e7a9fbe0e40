/* POST /api/v1/execute/async: accepts a program, and answers before it runs (background.h). */
#ifndef CODECELL_API_ASYNC_H
#define CODECELL_API_ASYNC_H

#include "http/http.h"

http_handler api_async;

#endif
