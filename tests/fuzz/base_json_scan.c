/* The first pass over a JSON text agrees with the parser: what is JSON, and the sentence of what is not. */
#include "base/error.h"
#include "base/json.h"
#include "base/json_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct json_shape shape = {.open = '{', .most = 2, .names_only = true};
    struct error whole = {0}, shaped = {0};
    size_t cost;
    char *text = malloc(size + 1); /* it is written over */

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    json_t *first = json_parse((const char *)data, size, &whole);
    json_t *second = json_parse_shape(text, size, &shape, &cost, &shaped);
    if ((first == NULL) != (second == NULL) || strcmp(whole.text, shaped.text) != 0)
        abort();
    json_decref(first);
    json_decref(second);
    free(text);
    return 0;
}
