/* What browsers are told of requests by pages of other origins (CODECELL_CORS): the protocol is CORS, in the Fetch
 * standard. A key goes in a header, never in a cookie, so no answer allows credentials. */
#ifndef CODECELL_API_CORS_H
#define CODECELL_API_CORS_H

#include "http/http.h"

/* http_options.on_answer: adds the headers. The answer to OPTIONS also says the methods of its path. */
http_handler api_cors;

/* Whether the setting allows pages of the request's Origin. */
bool api_cors_allows(const struct http_exchange *ex);

/* What a page may ask to send: a list of names of headers. */
bool cors_are_names(const char *text);

#endif
