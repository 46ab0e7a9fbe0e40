/* GET /api/v1/languages and what belongs to it. */
#ifndef CODECELL_API_LANGUAGES_H
#define CODECELL_API_LANGUAGES_H

#include "http/http.h"

http_handler api_languages_list, api_languages_get, api_languages_ids;

#endif
