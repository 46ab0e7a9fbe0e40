/* A Content-Type (up to the first newline) and a body into the reader of forms, in one piece and in pieces whose size
 * the first byte says: both readings must agree. */
#include "base/buf.h"
#include "http/multipart.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition) \
    do {                   \
        if (!(condition))  \
            abort();       \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct multipart multipart;
    enum multipart_event event;
    struct error error;
    struct buf said; /* names and contents, one after another */
};

static void note_name(struct reading *reading, const char *name)
{
    REQUIRE(name == NULL || strlen(name) < MULTIPART_HEAD_MAX);
    REQUIRE(buf_printf(&reading->said, "\n%s", name != NULL ? name : "-") == 0);
}

static void take(struct reading *reading, const char *at, size_t len)
{
    struct multipart *multipart = &reading->multipart;
    struct multipart_piece piece;
    bool in_part = multipart->in_part;

    while ((reading->event = multipart_read(multipart, &at, &len, &piece)) != MULTIPART_MORE) {
        REQUIRE(in_part == (reading->event == MULTIPART_DATA || reading->event == MULTIPART_PART_END));
        in_part = multipart->in_part;
        if (reading->event == MULTIPART_PART) {
            note_name(reading, piece.part.name);
            note_name(reading, piece.part.filename);
        } else if (reading->event == MULTIPART_DATA) {
            REQUIRE(piece.data_len > 0 && buf_append(&reading->said, piece.data, piece.data_len) == 0);
        } else if (reading->event == MULTIPART_BROKEN) {
            REQUIRE(*piece.error.text != '\0' && piece.error.code == ERROR_INVALID);
            reading->error = piece.error;
            return;
        }
    }
    REQUIRE(len == 0);
}

static void feed(struct reading *reading, const char *type, const char *data, size_t len, size_t most)
{
    *reading = (struct reading){.event = MULTIPART_MORE};
    buf_init(&reading->said, 2 * len + 4096);
    if (multipart_open(&reading->multipart, type, &reading->error) != 0) {
        reading->event = MULTIPART_BROKEN;
        return;
    }
    while (len > 0 && reading->event != MULTIPART_BROKEN) {
        size_t part = len < most ? len : most;
        char *copy = malloc(part); /* so that a read beyond the piece is seen */
        REQUIRE(copy != NULL);
        memcpy(copy, data, part);
        take(reading, copy, part);
        free(copy);
        data += part;
        len -= part;
    }
    if (reading->event != MULTIPART_BROKEN)
        (void)multipart_close(&reading->multipart, &reading->error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading whole, pieces;
    char type[256];
    const uint8_t *line = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;

    if (line == NULL || line - data > (long)sizeof type)
        return 0;
    size_t type_len = (size_t)(line - data) - 1, len = size - type_len - 2;
    memcpy(type, data + 1, type_len);
    type[type_len] = '\0';
    feed(&whole, type, (const char *)line + 1, len, SIZE_MAX);
    feed(&pieces, type, (const char *)line + 1, len, (size_t)data[0] % 64 + 1);
    REQUIRE(whole.event == pieces.event && whole.error.code == pieces.error.code);
    REQUIRE(strcmp(whole.error.text, pieces.error.text) == 0);
    REQUIRE(whole.said.len == pieces.said.len);
    REQUIRE(whole.said.len == 0 || memcmp(whole.said.data, pieces.said.data, whole.said.len) == 0);
    buf_free(&whole.said);
    buf_free(&pieces.said);
    return 0;
}
