/* POST /api/v1/execute: from the body to a request (execute_read.h), to an execution, to an answer (execute_answer.h).
 */
#ifndef CODECELL_API_EXECUTE_H
#define CODECELL_API_EXECUTE_H

#include "http/http.h"

http_handler api_execute;

#endif
