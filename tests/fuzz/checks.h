/* What fuzz targets check of a request that was read from a body. */
#ifndef CODECELL_TESTS_FUZZ_CHECKS_H
#define CODECELL_TESTS_FUZZ_CHECKS_H

#include "api/execute_read.h"
#include "base/error.h"

#include <stdbool.h>

extern const struct execute_rules check_rules; /* for reading: small bounds, so that bodies reach them */

void must(bool holds); /* else the target crashes */

/* The request keeps check_rules. */
void check_read(const struct execution_request *request);

/* Settles the request for a language with two versions, and checks what it then is. */
void check_settled(struct execution_request *request);

/* The error is the client's, and has a sentence. */
void check_error(const struct error *error);

#endif
