#include "entries.h"

static void put_entry(struct buf *stream, const struct entry *entry)
{
    uint8_t bytes[ENTRY_MAX];

    assert_int_equal(buf_append(stream, bytes, entry_put(bytes, entry)), 0);
}

static void put_chunk(struct buf *stream, const void *data, size_t len)
{
    uint8_t head[ENTRY_CHUNK_HEAD];

    entry_put_chunk(head, (uint32_t)len);
    assert_int_equal(buf_append(stream, head, sizeof head), 0);
    assert_int_equal(buf_append(stream, data, len), 0);
}

static struct entry entry_of(enum entry_type type, const char *path)
{
    return (struct entry){
        .type = type, .mode = 0755, .mtime_ns = ENTRIES_TIME, .path = path, .path_len = strlen(path), .target = ""};
}

void entries_file(struct buf *stream, const char *path, uint32_t mode, const void *data, size_t len)
{
    struct entry entry = entry_of(ENTRY_FILE, path);

    entry.content = ENTRY_BYTES;
    entry.mode = mode;
    entry.size = len;
    put_entry(stream, &entry);
    for (size_t at = 0; at < len; at += ENTRY_CHUNK_MAX)
        put_chunk(stream, (const char *)data + at, len - at < ENTRY_CHUNK_MAX ? len - at : ENTRY_CHUNK_MAX);
    put_chunk(stream, "", 0);
}

void entries_hole(struct buf *stream, const char *path, uint32_t len)
{
    struct entry entry = entry_of(ENTRY_FILE, path);
    uint8_t head[ENTRY_CHUNK_HEAD];

    entry.content = ENTRY_BYTES;
    entry.size = len + 3u;
    put_entry(stream, &entry);
    entry_put_hole(head, len);
    assert_int_equal(buf_append(stream, head, sizeof head), 0);
    put_chunk(stream, "end", 3);
    put_chunk(stream, "", 0);
}

void entries_entry(struct buf *stream, enum entry_type type, const char *path, const char *target)
{
    struct entry entry = entry_of(type, path);

    entry.target = target != NULL ? target : "";
    entry.target_len = strlen(entry.target);
    put_entry(stream, &entry);
}

/* Counts what the stream holds, as its end must. */
static void count(const struct buf *stream, struct entry_end *end)
{
    const uint8_t *data = (const uint8_t *)(stream->len > 0 ? stream->data : "");
    size_t len = stream->len;
    struct entry_reader reader = {0};
    struct entry_piece piece;
    enum entry_event event;

    while ((event = entry_read(&reader, &data, &len, &piece)) != ENTRY_MORE)
        assert_int_not_equal(event, ENTRY_BROKEN);
    end->entries = reader.entries;
    end->bytes = reader.bytes;
}

void entries_end(struct buf *stream, enum file_exit exit)
{
    struct entry_end end = {.exit = exit};
    uint8_t bytes[ENTRY_HEAD];

    count(stream, &end);
    entry_put_end(bytes, &end);
    assert_int_equal(buf_append(stream, bytes, sizeof bytes), 0);
}

static const char *const type_names[] = {[ENTRY_FILE] = "file",
                                         [ENTRY_DIRECTORY] = "folder",
                                         [ENTRY_LINK] = "link",
                                         [ENTRY_OTHER] = "other",
                                         [ENTRY_SAME] = "same"};

static void tell_entry(struct buf *out, const struct entry *entry)
{
    assert_int_equal(buf_printf(out, "%s %.*s %o %lld", type_names[entry->type], (int)entry->path_len, entry->path,
                                entry->mode, (long long)entry->mtime_ns),
                     0);
    if (entry->type == ENTRY_FILE)
        assert_int_equal(buf_printf(out, " %llu", (unsigned long long)entry->size), 0);
    if (entry->target_len > 0)
        assert_int_equal(buf_printf(out, " -> %.*s", (int)entry->target_len, entry->target), 0);
    if (entry->content != ENTRY_BYTES)
        assert_int_equal(buf_puts(out, "\n"), 0);
}

/* The content of a file: short texts as they are, else the length and a hash. */
struct content {
    uint64_t len, hash;
    char text[64];
};

static void content_add(struct content *content, const uint8_t *data, uint64_t len)
{
    for (uint64_t i = 0; i < len; i++) {
        uint8_t byte = data != NULL ? data[i] : 0;

        if (content->len < sizeof content->text)
            content->text[content->len] = (char)byte;
        content->hash = (content->hash ^ byte) * UINT64_C(1099511628211);
        content->len++;
    }
}

static void tell_content(struct buf *out, const struct content *content)
{
    int result = content->len <= sizeof content->text
                     ? buf_printf(out, " %.*s\n", (int)content->len, content->text)
                     : buf_printf(out, " %llu bytes %016llx\n", (unsigned long long)content->len,
                                  (unsigned long long)content->hash);

    assert_int_equal(result, 0);
}

void entries_text(struct buf *out, const struct buf *stream)
{
    const uint8_t *data = (const uint8_t *)(stream->len > 0 ? stream->data : "");
    size_t len = stream->len;
    struct entry_reader reader = {0};
    struct content content = {0};
    struct entry_piece piece;

    buf_reset(out);
    for (;;) {
        switch (entry_read(&reader, &data, &len, &piece)) {
        case ENTRY_NEXT:
            tell_entry(out, &piece.entry);
            content = (struct content){0};
            break;
        case ENTRY_DATA:
            content_add(&content, piece.data, piece.data_len);
            break;
        case ENTRY_HOLE:
            content_add(&content, NULL, piece.hole);
            break;
        case ENTRY_DATA_END:
            tell_content(out, &content);
            break;
        case ENTRY_STREAM_END:
            assert_int_equal(buf_printf(out, "end %u\n", piece.end.exit), 0);
            break;
        case ENTRY_MORE:
            return;
        case ENTRY_BROKEN:
            fail_msg("the stream is broken");
        }
    }
}
