/* Every route of the API: its handler, and what it wants of a request (enum api_flag). */
#ifndef CODECELL_API_ROUTES_H
#define CODECELL_API_ROUTES_H

#include "http/http.h"

/* Begins a request whose body flows (API_FLOWS), instead of http_admit(). */
http_handler api_flow_begin;

extern const struct http_route api_routes[]; /* ends with a method of NULL */

#endif
