/* A body of POST /execute: whatever it is, it is read or refused with a sentence, and what was read holds. */
#include "checks.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct execution_request request;
    struct error error = {0};
    size_t cost;
    char *text = malloc(size + 1); /* it is written over */

    must(text != NULL);
    memcpy(text, data, size);
    int result = execute_read(&request, text, size, &check_rules, &cost, &error);
    free(text);
    if (result == 0) {
        must(request.timeout_ms >= 1000);
        check_read(&request);
        check_settled(&request);
    } else {
        check_error(&error);
    }
    request_free(&request);
    return 0;
}
