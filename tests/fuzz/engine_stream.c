/* What the engine sends: the answer to attach and the framed output behind it, and JSON replies. The first byte
 * chooses, the second is the size of pieces. What comes out must not depend on the pieces. */
#include "base/buf.h"
#include "base/json.h"
#include "docker/engine/codec_read.h"
#include "docker/engine/stream.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX ((size_t)1 << 20)

/* Demultiplexes in pieces of `step` bytes. Returns how it ended. */
static enum stdcopy_result demultiplex(const uint8_t *data, size_t size, size_t step, struct buf *out)
{
    struct stdcopy stream = {0};
    enum stdcopy_result result = STDCOPY_MORE;

    while (size > 0 && result != STDCOPY_BAD) {
        const uint8_t *at = data, *piece;
        size_t len = size < step ? size : step, piece_len;

        data += len;
        size -= len;
        while ((result = stdcopy_next(&stream, &at, &len, &piece, &piece_len)) == STDCOPY_STDOUT ||
               result == STDCOPY_STDERR)
            if (piece_len == 0 || buf_append(out, piece, piece_len) != 0)
                abort();
        if (result == STDCOPY_MORE && len != 0)
            abort();
    }
    return result;
}

static void fuzz_frames(const uint8_t *data, size_t size, size_t step)
{
    struct buf whole, pieces;

    buf_init(&whole, OUT_MAX);
    buf_init(&pieces, OUT_MAX);
    if (demultiplex(data, size, size, &whole) != demultiplex(data, size, step, &pieces) || whole.len != pieces.len ||
        (whole.len > 0 && memcmp(whole.data, pieces.data, whole.len) != 0))
        abort();
    buf_free(&whole);
    buf_free(&pieces);
}

static void fuzz_answer(const uint8_t *data, size_t size, size_t step)
{
    const char *text = (const char *)data;
    char message[64];
    int status = 0;
    long head = 0;

    for (size_t len = step; head == 0 && len <= size; len += step)
        head = stream_head(text, len, &status);
    if (head <= 0)
        return;
    if (status < 0 || status > 999 || (size_t)head > size)
        abort();
    if (stream_refusal(text + head, size - (size_t)head, message, sizeof message) && strlen(message) >= sizeof message)
        abort();
    fuzz_frames(data + head, size - (size_t)head, step);
}

static void see(void *arg, const struct container_entry *entry)
{
    (void)arg;
    if (strchr(entry->id, '/') != NULL || entry->id[0] == '\0' || strlen(entry->id) > CODEC_ID_MAX)
        abort();
    codec_label(entry, "io.codecell.instance");
}

static void fuzz_reply(const uint8_t *data, size_t size)
{
    json_t *reply = json_parse((const char *)data, size, NULL);
    const char *id = codec_created_id(reply);
    struct container_state state;
    struct image_info image;

    if (id != NULL && (strchr(id, '/') != NULL || strlen(id) > CODEC_ID_MAX))
        abort();
    if (codec_state(reply, &state) == 0 && (state.error == NULL || state.started == NULL))
        abort();
    if (codec_image(reply, &image) == 0 && (image.id == NULL || image.arch == NULL))
        abort();
    codec_containers(reply, see, NULL);
    json_decref(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t step = data[1] != 0 ? data[1] : 1;
    if (data[0] == 'a')
        fuzz_answer(data + 2, size - 2, step);
    else if (data[0] == 'f')
        fuzz_frames(data + 2, size - 2, step);
    else
        fuzz_reply(data + 2, size - 2);
    return 0;
}
