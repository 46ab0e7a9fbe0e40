/* A body for each way in which each face reads one: it is read or refused with a sentence, what was read holds, and the
 * sentence goes into the face's own error. The first byte chooses the way, so that the corpus of one face helps the
 * others. */
#include "checks.h"

#include "faces/face.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t ways_count(const struct face *face)
{
    size_t count = 0;

    while (face->ways != NULL && face->ways[count].translation != NULL)
        count++;
    return count;
}

/* The way with this number, counted through all faces; round and round. */
static const struct face_way *way_at(size_t number, const struct face **its_face)
{
    size_t all = 0;

    for (const struct face *const *face = faces_all; *face != NULL; face++)
        all += ways_count(*face);
    number %= all;
    for (const struct face *const *face = faces_all; *face != NULL; number -= ways_count(*face++))
        if (number < ways_count(*face)) {
            *its_face = *face;
            return &(*face)->ways[number];
        }
    abort();
}

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

    must(text != NULL);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct face *face;

    if (size == 0)
        return 0;
    const struct face_way *way = way_at(data[0], &face);
    read_body(face, way, data + 1, size - 1);
    return 0;
}
