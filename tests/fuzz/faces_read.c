/* A body, read in each way in which each face reads one: it is read or refused with a sentence, what was read holds,
 * and the sentence goes into the face's own error. */
#include "checks.h"

#include "faces/agent402.h"
#include "faces/face.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error_body(const struct face *face, const struct error *error)
{
    size_t len;
    char *body = face->manners.error_body(error_status(error->code), error->text, &len);

    must(body != NULL && strlen(body) == len);
    free(body);
}

static void read_body(const struct face *face, const struct face_way *way, const uint8_t *data, size_t size)
{
    struct execution_request request;
    struct error error = {0};
    size_t cost = 0;
    char *text = malloc(size + 1); /* it is written over */

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    int result = way->translation->read(way->context, &request, text, size, &check_rules, &cost, &error);
    free(text);
    if (result == 0) {
        check_read(&request);
        check_settled(&request);
    } else {
        check_error(&error);
        check_error_body(face, &error);
    }
    request_free(&request);
}

/* agent402 reads a body together with the query, so it is no way of its face. */
static void read_with_query(const uint8_t *data, size_t size)
{
    static const struct agent402_query queries[] = {{NULL, NULL}, {"1", " JavaScript "}};

    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        struct execution_request request;
        struct error error = {0};
        char *text = malloc(size + 1); /* it is written over */
        if (text == NULL)
            abort();
        memcpy(text, data, size);
        if (agent402_read(&request, &agent402_products[0], &queries[i], text, size, &check_rules, &error) == 0)
            check_read(&request);
        else
            check_error(&error);
        request_free(&request);
        free(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_with_query(data, size);
    for (const struct face *const *face = faces_all; *face != NULL; face++)
        for (const struct face_way *way = (*face)->ways; way != NULL && way->translation != NULL; way++)
            read_body(*face, way, data, size);
    return 0;
}
