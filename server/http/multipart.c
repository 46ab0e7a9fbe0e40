#include "http/multipart.h"

#include "http/multipart_head.h"

#include <stdio.h>
#include <string.h>

/* A boundary has no CR. So the only CR of a delimiter is its first byte, and after a mismatch no part of what matched
 * can begin another delimiter. */

int multipart_open(struct multipart *multipart, const char *content_type, struct error *error)
{
    char boundary[MULTIPART_BOUNDARY_MAX + 1];

    *multipart = (struct multipart){.place = MULTIPART_LOST};
    if (multipart_boundary(content_type, boundary, error) != 0)
        return -1;
    int len = snprintf(multipart->delimiter, sizeof multipart->delimiter, "\r\n--%s", boundary);
    multipart->delimiter_len = (size_t)len;
    multipart->matched = 2; /* the first boundary may stand at the very beginning */
    multipart->place = MULTIPART_AT_PREAMBLE;
    return 0;
}

static enum multipart_event lose(struct multipart *multipart, struct multipart_piece *out, const char *sentence)
{
    multipart->place = MULTIPART_LOST;
    error_set(&out->error, ERROR_INVALID, "%s", sentence);
    return MULTIPART_BROKEN;
}

/* Goes on with a delimiter whose first bytes came. False: what came of it was something else. */
static bool match_on(struct multipart *multipart, const char **data, size_t *len)
{
    size_t missing = multipart->delimiter_len - multipart->matched, part = missing < *len ? missing : *len;

    if (memcmp(multipart->delimiter + multipart->matched, *data, part) != 0)
        return false;
    multipart->matched += part;
    *data += part;
    *len -= part;
    return true;
}

/* How many bytes at the front are surely none of a delimiter. */
static size_t find_delimiter(const struct multipart *multipart, const char *data, size_t len)
{
    for (const char *at = data; (at = memchr(at, '\r', len - (size_t)(at - data))) != NULL; at++) {
        size_t left = len - (size_t)(at - data);
        if (memcmp(at, multipart->delimiter, left < multipart->delimiter_len ? left : multipart->delimiter_len) == 0)
            return (size_t)(at - data);
    }
    return len;
}

static enum multipart_event give(struct multipart_piece *out, const char *data, size_t len)
{
    out->data = data;
    out->data_len = len;
    return MULTIPART_DATA;
}

static enum multipart_event read_content(struct multipart *multipart, const char **data, size_t *len,
                                         struct multipart_piece *out)
{
    if (multipart->matched == 0) {
        const char *start = *data;
        size_t plain = find_delimiter(multipart, start, *len);
        *data += plain;
        *len -= plain;
        if (plain > 0)
            return give(out, start, plain);
    }
    if (!match_on(multipart, data, len)) {
        size_t held = multipart->matched;
        multipart->matched = 0;
        return give(out, multipart->delimiter, held);
    }
    if (multipart->matched < multipart->delimiter_len)
        return MULTIPART_MORE;
    multipart->matched = 0;
    multipart->place = MULTIPART_AT_LINE;
    multipart->line_len = multipart->blanks = 0;
    if (!multipart->in_part)
        return MULTIPART_MORE;
    multipart->in_part = false;
    return MULTIPART_PART_END;
}

/* The rest of a boundary's line: blanks and CRLF, or two hyphens. */
static enum multipart_event read_boundary_line(struct multipart *multipart, const char **data, size_t *len,
                                               struct multipart_piece *out)
{
    char byte = **data;

    ++*data;
    --*len;
    if (multipart->line_len == 0 && (byte == ' ' || byte == '\t') && multipart->blanks++ < MULTIPART_BLANKS_MAX)
        return MULTIPART_MORE;
    multipart->line[multipart->line_len++] = byte;
    bool ends = multipart->line[0] == '-' && multipart->blanks == 0;
    if (byte != (ends ? '-' : multipart->line_len == 1 ? '\r' : '\n'))
        return lose(multipart, out, "a boundary is followed by other bytes");
    if (multipart->line_len < sizeof multipart->line)
        return MULTIPART_MORE;
    multipart->place = ends ? MULTIPART_AT_EPILOGUE : MULTIPART_AT_HEAD;
    multipart->head_len = 0;
    return ends ? MULTIPART_END : MULTIPART_MORE;
}

/* Whether the head is whole: its last line is empty. *text: its length without that line. */
static bool head_is_whole(const struct multipart *multipart, size_t *text)
{
    const char *head = multipart->head;
    size_t len = multipart->head_len;

    *text = len < 4 ? 0 : len - 4;
    return len == 2 ? memcmp(head, "\r\n", 2) == 0 : len >= 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0;
}

static enum multipart_event read_head(struct multipart *multipart, const char **data, size_t *len,
                                      struct multipart_piece *out)
{
    size_t text;

    for (; *len > 0; ++*data, --*len) {
        if (multipart->head_len == MULTIPART_HEAD_MAX)
            return lose(multipart, out, "its head is too long");
        multipart->head[multipart->head_len++] = **data;
        if (!head_is_whole(multipart, &text))
            continue;
        ++*data;
        --*len;
        multipart->head[text] = '\0';
        if (multipart_head(multipart->head, text, &out->part, &out->error) != 0) {
            multipart->place = MULTIPART_LOST;
            return MULTIPART_BROKEN;
        }
        multipart->place = MULTIPART_AT_CONTENT;
        multipart->in_part = true;
        multipart->matched = 0;
        return MULTIPART_PART;
    }
    return MULTIPART_MORE;
}

/* One thing. MULTIPART_MORE: nothing that the caller must know. */
static enum multipart_event read_some(struct multipart *multipart, const char **data, size_t *len,
                                      struct multipart_piece *out)
{
    enum multipart_event event;

    switch (multipart->place) {
    case MULTIPART_AT_PREAMBLE:
        event = read_content(multipart, data, len, out);
        return event == MULTIPART_DATA ? MULTIPART_MORE : event;
    case MULTIPART_AT_CONTENT:
        return read_content(multipart, data, len, out);
    case MULTIPART_AT_LINE:
        event = read_boundary_line(multipart, data, len, out);
        if (multipart->place == MULTIPART_AT_HEAD)
            multipart->parts++;
        return event;
    case MULTIPART_AT_HEAD:
        return read_head(multipart, data, len, out);
    case MULTIPART_AT_EPILOGUE:
        *data += *len;
        *len = 0;
        return MULTIPART_MORE;
    case MULTIPART_LOST:
        break;
    }
    return MULTIPART_BROKEN;
}

enum multipart_event multipart_read(struct multipart *multipart, const char **data, size_t *len,
                                    struct multipart_piece *out)
{
    enum multipart_event event = MULTIPART_MORE;

    while (event == MULTIPART_MORE && *len > 0)
        event = read_some(multipart, data, len, out);
    return event;
}

int multipart_close(const struct multipart *multipart, struct error *error)
{
    switch (multipart->place) {
    case MULTIPART_AT_EPILOGUE:
        return 0;
    case MULTIPART_AT_PREAMBLE:
        return error_set(error, ERROR_INVALID, "the body has no boundary of its Content-Type");
    default:
        return error_set(error, ERROR_INVALID, "the body ends before its last boundary");
    }
}
