/* GET /openapi.json: the API, described for programs. The document follows what is offered: it is made when a client
 * asks for it and the offer is not that of the last one. */
#ifndef CODECELL_API_OPENAPI_H
#define CODECELL_API_OPENAPI_H

#include "api/openapi_document.h"
#include "http/http.h"

#define OPENAPI_ETAG_LEN 16

/* The last document, of struct api. All zero: there is none yet. */
struct openapi {
    struct openapi_offer offer;
    char *text;
    size_t len;
    char etag[OPENAPI_ETAG_LEN + 1];
};

http_handler api_openapi;

void openapi_free(struct openapi *openapi);

#endif
