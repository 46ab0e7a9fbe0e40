/* Files of a workspace, one at a time and as a list: /api/v1/sessions/{id}/files and /files/{path...}. */
#ifndef CODECELL_API_SESSION_FILES_H
#define CODECELL_API_SESSION_FILES_H

#include "http/http.h"

http_handler api_files_list, api_files_get, api_files_delete;

/* Before the body is read (API_FLOWS), and the route's handler, after its last byte. */
http_handler api_files_put_begin, api_files_put;

#endif
