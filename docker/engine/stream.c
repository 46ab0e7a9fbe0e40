#include "docker/engine/stream.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TYPE_STDIN, TYPE_STDOUT, TYPE_STDERR, TYPE_ENGINE /* the engine's own errors */, TYPES };

static const char *stream_find(const char *data, size_t len, const char *what)
{
    return memmem(data, len, what, strlen(what));
}

static int read_status(const char *line, size_t len)
{
    static const char version[] = "HTTP/1.";
    const size_t at = sizeof version - 1;

    if (len < at + 5 || memcmp(line, version, at) != 0 || line[at + 1] != ' ')
        return -1;
    int status = 0;
    for (size_t i = at + 2; i < at + 5; i++) {
        if (line[i] < '0' || line[i] > '9')
            return -1;
        status = status * 10 + (line[i] - '0');
    }
    return status;
}

/* Whether the head has a header of this name. */
static int has_header(const char *head, size_t len, const char *name)
{
    const char *end = head + len, *line = stream_find(head, len, "\r\n");

    while (line != NULL && (size_t)(end - line) > strlen(name) + 2) {
        line += 2;
        if (strncasecmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            return 1;
        line = stream_find(line, (size_t)(end - line), "\r\n");
    }
    return 0;
}

long stream_head(const char *data, size_t len, int *status)
{
    const char *end = stream_find(data, len, "\r\n\r\n");

    if (end == NULL) { /* not complete; but wrong first bytes are noticed at once */
        size_t known = len < 7 ? len : 7;
        return memcmp(data, "HTTP/1.", known) == 0 ? 0 : -1;
    }
    size_t head = (size_t)(end - data) + 4;
    *status = read_status(data, head);
    if (*status < 0 || (*status < 300 && has_header(data, head, "Transfer-Encoding")))
        return -1;
    return (long)head;
}

int stream_refusal(const char *body, size_t len, char *out, size_t size)
{
    const char *start = memchr(body, '{', len);
    const char *end = memrchr(body, '}', len);

    if (start == NULL || end == NULL || end < start)
        return 0;
    json_t *json = json_parse(start, (size_t)(end - start) + 1, NULL);
    const char *message = json_string_value(json_object_get(json, "message"));
    int whole = message != NULL;
    if (whole)
        snprintf(out, size, "%s", message);
    json_decref(json);
    return whole;
}

static int head_read(struct stdcopy *stream)
{
    const uint8_t *head = stream->head;

    stream->left = (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 | (uint32_t)head[6] << 8 | head[7];
    return head[0] < TYPES && head[1] == 0 && head[2] == 0 && head[3] == 0;
}

/* Takes bytes of the frame's head. 1: the head is complete; 0: more bytes are needed; -1: it is not a head. */
static int take_head(struct stdcopy *stream, const uint8_t **data, size_t *len)
{
    size_t want = sizeof stream->head - stream->have;
    size_t n = *len < want ? *len : want;

    memcpy(stream->head + stream->have, *data, n);
    stream->have += n;
    *data += n;
    *len -= n;
    if (stream->have < sizeof stream->head)
        return 0;
    return head_read(stream) ? 1 : -1;
}

enum stdcopy_result stdcopy_next(struct stdcopy *stream, const uint8_t **data, size_t *len, const uint8_t **piece,
                                 size_t *piece_len)
{
    while (*len > 0) {
        if (stream->have < sizeof stream->head) {
            int whole = take_head(stream, data, len);
            if (whole <= 0)
                return whole < 0 ? STDCOPY_BAD : STDCOPY_MORE;
        }
        size_t n = *len < stream->left ? *len : stream->left;
        *piece = *data;
        *piece_len = n;
        *data += n;
        *len -= n;
        stream->left -= (uint32_t)n;
        if (stream->left == 0)
            stream->have = 0;
        if (n > 0 && (stream->head[0] == TYPE_STDOUT || stream->head[0] == TYPE_STDERR))
            return stream->head[0] == TYPE_STDOUT ? STDCOPY_STDOUT : STDCOPY_STDERR;
    }
    return STDCOPY_MORE;
}

int stdcopy_whole(const struct stdcopy *stream)
{
    return stream->have == 0;
}
