/* POST /api/v1/execute/batch: several programs, side by side, for one answer. */
#ifndef CODECELL_API_BATCH_H
#define CODECELL_API_BATCH_H

#include "http/http.h"

http_handler api_batch;

#endif
