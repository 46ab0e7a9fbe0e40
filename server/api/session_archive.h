/* All files of a workspace as one .tar.gz: /api/v1/sessions/{id}/archive. */
#ifndef CODECELL_API_SESSION_ARCHIVE_H
#define CODECELL_API_SESSION_ARCHIVE_H

#include "http/http.h"

http_handler api_archive_get;

/* Before the body is read (API_FLOWS), and the route's handler, after its last byte. */
http_handler api_archive_put_begin, api_archive_put;

#endif
