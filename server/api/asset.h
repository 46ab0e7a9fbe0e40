/* The pages for browsers and what belongs to them: files of server/page, which its build script has made and compressed
 * and CMake has put into the program. The server answers them from memory. */
#ifndef CODECELL_API_ASSET_H
#define CODECELL_API_ASSET_H

#include "http/http.h"

#include <stddef.h>

struct asset {
    const char *path; /* "/docs"; NULL after the last */
    const char *type; /* its Content-Type */
    const char *etag; /* without quotes: a hash of its bytes */
    const char *plain, *plain_end;
    const char *gzip, *gzip_end; /* the same in gzip */
};

/* GET /, /frame, /docs and /page/{file...}. Without a playground (api.playground) the first two are 404. A server that
 * was built without the pages says so. */
http_handler api_asset;

#endif
