#include "run/kernel.h"

#include "base/text.h"
#include "docker/wire/frame.h"

#include <ctype.h>
#include <string.h>

#define FLAG_VALUE 1u

/* Writing. */

static void kernel_integer_put(uint8_t out[4], uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

int kernel_put_run(struct buf *out, uint32_t number, const char *name, const char *code, size_t len)
{
    uint8_t head[FRAME_MESSAGE_HEAD + 16] = {FRAME_MESSAGE_RUN};
    size_t name_len = strlen(name);

    kernel_integer_put(head + 4, (uint32_t)(16 + name_len + len));
    kernel_integer_put(head + 8, number);
    kernel_integer_put(head + 12, (uint32_t)KERNEL_DATUM_MAX);
    kernel_integer_put(head + 16, KERNEL_SENT_MAX);
    kernel_integer_put(head + 20, (uint32_t)name_len);
    return buf_append(out, head, sizeof head) != 0 || buf_append(out, name, name_len) != 0 ||
                   buf_append(out, code, len) != 0
               ? -1
               : 0;
}

/* Reading. What is left of a message. */

struct rest {
    const uint8_t *at;
    size_t left;
};

static bool rest_integer(struct rest *rest, uint32_t *out)
{
    if (rest->left < 4)
        return false;
    *out =
        (uint32_t)rest->at[0] | (uint32_t)rest->at[1] << 8 | (uint32_t)rest->at[2] << 16 | (uint32_t)rest->at[3] << 24;
    rest->at += 4;
    rest->left -= 4;
    return true;
}

static bool rest_text(struct rest *rest, size_t len, struct kernel_text *out)
{
    if (len > rest->left || !text_is_utf8((const char *)rest->at, len))
        return false;
    *out = (struct kernel_text){(const char *)rest->at, len};
    rest->at += len;
    rest->left -= len;
    return true;
}

/* RFC 6838, section 4.2: "text/html", "application/vnd.plotly.v1+json". */
static bool is_mime(const struct kernel_text *mime)
{
    size_t slashes = 0;

    for (size_t i = 0; i < mime->len; i++) {
        unsigned char c = (unsigned char)mime->data[i];
        bool starts = i == 0 || mime->data[i - 1] == '/';
        if (c == '/' && !starts)
            slashes++;
        else if (!(c < 0x80 && isalnum(c)) && (starts || c == '\0' || strchr("!#$&-^_.+", c) == NULL))
            return false;
    }
    return slashes == 1 && mime->len <= KERNEL_MIME_MAX && mime->data[mime->len - 1] != '/';
}

static bool has_mime(const struct kernel_message *message, const struct kernel_text *mime)
{
    for (size_t i = 0; i < message->entries_len; i++) {
        const struct kernel_text *other = &message->entries[i].mime;
        if (other->len == mime->len && memcmp(other->data, mime->data, mime->len) == 0)
            return true;
    }
    return false;
}

static bool take_entry(struct rest *rest, struct kernel_message *out)
{
    struct kernel_entry entry;
    uint32_t mime_len, data_len;

    if (!rest_integer(rest, &mime_len) || !rest_integer(rest, &data_len) || !rest_text(rest, mime_len, &entry.mime) ||
        !is_mime(&entry.mime) || has_mime(out, &entry.mime) || data_len > KERNEL_DATUM_MAX ||
        !rest_text(rest, data_len, &entry.data))
        return false;
    out->entries[out->entries_len++] = entry;
    return true;
}

static bool take_bundle(struct rest *rest, struct kernel_message *out)
{
    uint32_t flags;

    if (!rest_integer(rest, &flags) || (flags & ~FLAG_VALUE) != 0)
        return false;
    out->is_value = flags == FLAG_VALUE;
    while (rest->left > 0)
        if (out->entries_len == KERNEL_ENTRIES_MAX || !take_entry(rest, out))
            return false;
    return true;
}

static bool take_error(struct rest *rest, struct kernel_message *out)
{
    uint32_t name, message, traceback;

    return rest_integer(rest, &name) && rest_integer(rest, &message) && rest_integer(rest, &traceback) &&
           rest_text(rest, name, &out->name) && rest_text(rest, message, &out->text) &&
           rest_text(rest, traceback, &out->traceback) && rest->left == 0;
}

static enum kernel_event take_message(struct kernel_reader *reader, uint8_t kind, struct rest *rest,
                                      struct kernel_message *out)
{
    switch (kind) {
    case FRAME_MESSAGE_BUNDLE:
        return reader->bundles++ < KERNEL_BUNDLES_MAX && take_bundle(rest, out) ? KERNEL_BUNDLE : KERNEL_BROKEN;
    case FRAME_MESSAGE_RESULT:
        return rest_text(rest, rest->left, &out->text) ? KERNEL_RESULT : KERNEL_BROKEN;
    case FRAME_MESSAGE_ERROR:
        return take_error(rest, out) ? KERNEL_ERROR : KERNEL_BROKEN;
    case FRAME_MESSAGE_NOTE:
        return reader->notes++ < KERNEL_NOTES_MAX && rest_text(rest, rest->left, &out->text) ? KERNEL_NOTE
                                                                                             : KERNEL_BROKEN;
    case FRAME_MESSAGE_COUNT:
        return rest_integer(rest, &out->count) && rest->left == 0 ? KERNEL_COUNT : KERNEL_BROKEN;
    default:
        return KERNEL_BROKEN;
    }
}

static enum kernel_event take_next(struct kernel_reader *reader, struct kernel_message *out)
{
    struct rest head = {reader->at, reader->left};
    uint32_t kind, len;

    if (!rest_integer(&head, &kind) || !rest_integer(&head, &len) || kind > UINT8_MAX || len > head.left)
        return KERNEL_BROKEN;
    struct rest rest = {head.at, len};
    reader->at = head.at + len;
    reader->left = head.left - len;
    return take_message(reader, (uint8_t)kind, &rest, out);
}

enum kernel_event kernel_read(struct kernel_reader *reader, struct kernel_message *out)
{
    enum kernel_event event = KERNEL_OVER;

    *out = (struct kernel_message){.count = 0};
    if (reader->left > 0)
        event = take_next(reader, out);
    if (event == KERNEL_BROKEN)
        *reader = (struct kernel_reader){.at = NULL};
    return event;
}
