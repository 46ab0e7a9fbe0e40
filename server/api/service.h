/* The service about itself: whether it is up, whether it can run programs, and its figures. */
#ifndef CODECELL_API_SERVICE_H
#define CODECELL_API_SERVICE_H

#include "base/fields.h"
#include "http/http.h"

http_handler api_health, api_ready, api_metrics;

extern const struct fields health_fields, ready_fields; /* what the answers hold, for documents */

#endif
