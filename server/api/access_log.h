/* What is recorded of each request after its end: a line of the log, and metrics. */
#ifndef CODECELL_API_ACCESS_LOG_H
#define CODECELL_API_ACCESS_LOG_H

#include "http/http.h"

/* http_options.on_done: logs and counts the request, and frees its caller (struct api_caller). */
void api_exchange_done(struct http_exchange *ex, int status, uint64_t ns);

#endif
