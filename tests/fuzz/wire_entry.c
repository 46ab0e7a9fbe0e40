/* The stream of entries, as server and agent read it: in pieces of any size, and what the reader accepts the writer
 * writes back. */
#include "docker/wire/entry.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What one way of reading has met. */
struct met {
    struct entry_reader reader;
    uint64_t entries, bytes, sum;
    bool broken, ended;
};

static struct met whole, pieces;

static void add(struct met *met, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        met->sum = met->sum * 31 + ((const uint8_t *)bytes)[i];
}

/* The names must be as long as the entry says, and the writer must write what the reader has held. */
static void check_entry(struct met *met, const struct entry *entry)
{
    static uint8_t bytes[ENTRY_MAX];
    static struct entry_reader again;
    struct entry_piece piece;
    size_t len = entry_put(bytes, entry);
    const uint8_t *next = bytes;
    met->entries++;
    add(met, bytes, len);
    memset(&again, 0, sizeof again);
    if (entry_read(&again, &next, &len, &piece) != ENTRY_NEXT || len != 0 || piece.entry.size != entry->size)
        abort();
}

static void take(struct met *met, enum entry_event event, const struct entry_piece *piece)
{
    if (event == ENTRY_NEXT) {
        check_entry(met, &piece->entry);
    } else if (event == ENTRY_DATA) {
        if (piece->data_len == 0)
            abort();
        met->bytes += piece->data_len;
        add(met, piece->data, piece->data_len);
    } else if (event == ENTRY_HOLE) {
        if (piece->hole == 0)
            abort();
        met->bytes += piece->hole;
    } else if (event == ENTRY_STREAM_END) {
        if (met->ended || piece->end.entries != met->entries || piece->end.bytes != met->bytes)
            abort();
        met->ended = true;
    } else if (event == ENTRY_BROKEN) {
        met->broken = true;
    }
}

static void read_all(struct met *met, const uint8_t *data, size_t size, size_t step)
{
    memset(met, 0, sizeof *met);
    for (size_t at = 0; at < size && !met->broken; at += step) {
        const uint8_t *next = data + at;
        size_t len = size - at < step ? size - at : step;
        struct entry_piece piece;
        enum entry_event event;
        while (!met->broken && (event = entry_read(&met->reader, &next, &len, &piece)) != ENTRY_MORE)
            take(met, event, &piece);
        if (!met->broken && len > 0)
            abort();
    }
}

/* The first byte says how large the pieces are in which the rest comes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    read_all(&whole, data + 1, size - 1, size - 1);
    read_all(&pieces, data + 1, size - 1, 1 + (size_t)data[0]);
    if (whole.broken != pieces.broken || whole.ended != pieces.ended || whole.entries != pieces.entries)
        abort();
    if (!whole.broken && (whole.bytes != pieces.bytes || whole.sum != pieces.sum))
        abort();
    return 0;
}
