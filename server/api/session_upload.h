/* Many files at once, as a form: POST /api/v1/sessions/{id}/files. */
#ifndef CODECELL_API_SESSION_UPLOAD_H
#define CODECELL_API_SESSION_UPLOAD_H

#include "http/http.h"

#define UPLOAD_PARTS_MAX 1000u

/* Before the body is read (API_FLOWS), and the route's handler, after its last byte. */
http_handler api_files_post_begin, api_files_post;

#endif
