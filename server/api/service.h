/* The service about itself: whether it is up, whether it can run programs, and its figures. */
#ifndef CODECELL_API_SERVICE_H
#define CODECELL_API_SERVICE_H

#include "http/http.h"

http_handler api_health, api_ready, api_metrics;

#endif
