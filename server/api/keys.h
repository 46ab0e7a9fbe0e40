/* The keys of the server, for keys with the scope admin. */
#ifndef CODECELL_API_KEYS_H
#define CODECELL_API_KEYS_H

#include "base/fields.h"
#include "http/http.h"

http_handler api_keys_create, api_keys_list, api_keys_get, api_keys_change, api_keys_revoke;

extern const struct fields key_fields; /* what an answer holds, for documents */

#endif
