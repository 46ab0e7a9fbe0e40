#include "docker/wire/entry.h"

#include "docker/wire/integers.h"

#include <stdio.h>
#include <string.h>

/* Writing. */

size_t entry_put(uint8_t out[ENTRY_MAX], const struct entry *entry)
{
    out[0] = (uint8_t)entry->type;
    out[1] = (uint8_t)entry->content;
    out[2] = out[3] = 0;
    put32(out + 4, entry->mode);
    put64(out + 8, entry->size);
    put64(out + 16, (uint64_t)entry->mtime_ns);
    put32(out + 24, (uint32_t)entry->path_len);
    put32(out + 28, (uint32_t)entry->target_len);
    memcpy(out + ENTRY_HEAD, entry->path, entry->path_len);
    if (entry->target_len > 0)
        memcpy(out + ENTRY_HEAD + entry->path_len, entry->target, entry->target_len);
    return ENTRY_HEAD + entry->path_len + entry->target_len;
}

void entry_put_chunk(uint8_t out[ENTRY_CHUNK_HEAD], uint32_t len)
{
    put32(out, len);
}

void entry_put_hole(uint8_t out[ENTRY_CHUNK_HEAD], uint32_t len)
{
    put32(out, len | ENTRY_HOLE_BIT);
}

void entry_put_end(uint8_t out[ENTRY_HEAD], const struct entry_end *end)
{
    put32(out, ENTRY_END);
    put32(out + 4, end->exit);
    put64(out + 8, end->entries);
    put64(out + 16, end->bytes);
    put64(out + 24, end->marks);
}

/* Reading. */

/* Moves bytes to `held` until it has `need` of them. False: there are not enough yet. */
static bool gather(struct entry_reader *reader, size_t need, const uint8_t **data, size_t *len)
{
    size_t missing = need - reader->held_len, part = missing < *len ? missing : *len;
    if (part > 0)
        memcpy(reader->held + reader->held_len, *data, part);
    reader->held_len += part;
    *data += part;
    *len -= part;
    return part == missing;
}

static enum entry_event arrive(struct entry_reader *reader, enum entry_place place, enum entry_event event)
{
    reader->place = place;
    reader->held_len = 0;
    return event;
}

static enum entry_event lose(struct entry_reader *reader)
{
    return arrive(reader, ENTRY_LOST, ENTRY_BROKEN);
}

static enum entry_event read_end(struct entry_reader *reader, struct entry_end *out)
{
    const uint8_t *p = reader->held;
    *out = (struct entry_end){
        .exit = get32(p + 4), .entries = get64(p + 8), .bytes = get64(p + 16), .marks = get64(p + 24)};
    if (get32(p) != ENTRY_END || out->entries != reader->entries || out->bytes != reader->bytes)
        return lose(reader);
    return arrive(reader, ENTRY_AT_END, ENTRY_STREAM_END);
}

static bool type_ok(uint8_t type)
{
    return (type >= ENTRY_FILE && type <= ENTRY_OTHER) || type == ENTRY_SAME;
}

/* How long the entry is with its names. 0: its head breaks the rules. */
static size_t whole_len(const uint8_t *head)
{
    uint32_t path = get32(head + 24), target = get32(head + 28);
    bool names = path > 0 && path <= WIRE_PATH_MAX && target <= ENTRY_TARGET_MAX;
    if (!type_ok(head[0]) || head[1] > ENTRY_UNREADABLE || head[2] || head[3] || !names)
        return 0;
    if ((head[1] == ENTRY_BYTES && head[0] != ENTRY_FILE) ||
        (target > 0) != (head[0] == ENTRY_LINK || head[0] == ENTRY_SAME))
        return 0;
    return get32(head + 4) <= ENTRY_MODE_MAX && get64(head + 8) <= INT64_MAX ? ENTRY_HEAD + path + target : 0;
}

static bool names_ok(const struct entry *entry)
{
    return wire_path_ok(entry->path, entry->path_len) &&
           (entry->type == ENTRY_SAME ? wire_path_ok(entry->target, entry->target_len)
                                      : !memchr(entry->target, '\0', entry->target_len));
}

static enum entry_event read_entry(struct entry_reader *reader, struct entry *out)
{
    const uint8_t *p = reader->held;
    const char *names = (const char *)p + ENTRY_HEAD;
    *out = (struct entry){
        .type = p[0],
        .content = p[1],
        .mode = get32(p + 4),
        .size = get64(p + 8),
        .mtime_ns = (int64_t)get64(p + 16),
        .path = names,
        .path_len = get32(p + 24),
        .target = names + get32(p + 24),
        .target_len = get32(p + 28),
    };
    if (!names_ok(out))
        return lose(reader);
    reader->entries++;
    return arrive(reader, out->content == ENTRY_BYTES ? ENTRY_AT_CHUNK : ENTRY_AT_HEAD, ENTRY_NEXT);
}

/* From the head of an entry or of the stream's end. */
static enum entry_event read_head(struct entry_reader *reader, const uint8_t **data, size_t *len,
                                  struct entry_piece *out)
{
    if (reader->place == ENTRY_AT_HEAD && !gather(reader, ENTRY_HEAD, data, len))
        return ENTRY_MORE;
    if (reader->held[0] == ENTRY_END)
        return read_end(reader, &out->end);
    size_t whole = whole_len(reader->held);
    if (whole == 0)
        return lose(reader);
    reader->place = ENTRY_AT_NAMES;
    return gather(reader, whole, data, len) ? read_entry(reader, &out->entry) : ENTRY_MORE;
}

static enum entry_event read_bytes(struct entry_reader *reader, const uint8_t **data, size_t *len,
                                   struct entry_piece *out)
{
    size_t part = reader->left < *len ? reader->left : *len;
    if (part == 0)
        return ENTRY_MORE;
    out->data = *data;
    out->data_len = part;
    *data += part;
    *len -= part;
    reader->left -= (uint32_t)part;
    reader->bytes += part;
    if (reader->left == 0)
        reader->place = ENTRY_AT_CHUNK;
    return ENTRY_DATA;
}

static enum entry_event read_hole(struct entry_reader *reader, uint32_t len, struct entry_piece *out)
{
    out->hole = len;
    reader->bytes += len;
    return arrive(reader, ENTRY_AT_CHUNK, ENTRY_HOLE);
}

static enum entry_event read_chunk(struct entry_reader *reader, const uint8_t **data, size_t *len,
                                   struct entry_piece *out)
{
    if (!gather(reader, ENTRY_CHUNK_HEAD, data, len))
        return ENTRY_MORE;
    reader->left = get32(reader->held);
    if (reader->left > ENTRY_HOLE_BIT)
        return read_hole(reader, reader->left & ENTRY_HOLE_MAX, out);
    if (reader->left > ENTRY_CHUNK_MAX)
        return lose(reader);
    if (reader->left == 0)
        return arrive(reader, ENTRY_AT_HEAD, ENTRY_DATA_END);
    (void)arrive(reader, ENTRY_AT_BYTES, ENTRY_MORE);
    return read_bytes(reader, data, len, out);
}

enum entry_event entry_read(struct entry_reader *reader, const uint8_t **data, size_t *len, struct entry_piece *out)
{
    switch (reader->place) {
    case ENTRY_AT_HEAD:
    case ENTRY_AT_NAMES:
        return read_head(reader, data, len, out);
    case ENTRY_AT_CHUNK:
        return read_chunk(reader, data, len, out);
    case ENTRY_AT_BYTES:
        return read_bytes(reader, data, len, out);
    case ENTRY_AT_END:
        return *len == 0 ? ENTRY_MORE : lose(reader);
    case ENTRY_LOST:
        break;
    }
    return ENTRY_BROKEN;
}

void entry_tag(char out[ENTRY_TAG_SIZE], uint64_t size, int64_t mtime_ns)
{
    (void)snprintf(out, ENTRY_TAG_SIZE, "%llx-%llx", (unsigned long long)size, (unsigned long long)mtime_ns);
}
