/* jansson's own writer formats each control character with snprintf(): 0.7 s for 16 MB of NUL bytes, which any program
 * may print. This one writes the same text in a tenth of that. Numbers are still jansson's. */
#include "base/buf.h"
#include "base/json.h"
#include "base/pace.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VALUE_BYTES 16u /* what a value counts for pace_bytes(), whatever it is */
#define NUMBER_MAX 40   /* characters of a number */
#define NUMBER_FLAGS (JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) /* 15 digits, so that 0.017 is written as 0.017 */

/* How a character is written: 0: as it is; 'u': as \u00XX; else as a backslash and this letter. */
static char escape_of(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return (unsigned char)c < 0x20 ? 'u' : '\0';
    }
}

static size_t escaped_len(const char *text, size_t len)
{
    size_t sum = len;

    for (size_t i = 0; i < len; i++) {
        char escape = escape_of(text[i]);
        if (i % PACE_BYTES == PACE_BYTES - 1)
            pace_step();
        sum += escape == 'u' ? 5 : escape != '\0';
    }
    return sum;
}

static char *put_escaped(char *to, char c, char escape)
{
    static const char digits[] = "0123456789ABCDEF";

    *to++ = '\\';
    *to++ = escape;
    if (escape != 'u')
        return to;
    *to++ = '0';
    *to++ = '0';
    *to++ = digits[(unsigned char)c >> 4];
    *to++ = digits[(unsigned char)c & 15];
    return to;
}

/* Room is made once, because the text may be many megabytes. 0, or -1: out of memory, or the text is not UTF-8. */
static int put_string(struct buf *out, const char *text, size_t len)
{
    size_t room = escaped_len(text, len) + 2;

    pace_bytes(room);
    if (!text_is_utf8(text, len) || buf_reserve(out, room) != 0)
        return -1;
    char *to = out->data + out->len;
    *to++ = '"';
    for (size_t i = 0; i < len; i++) {
        char escape = escape_of(text[i]);
        if (i % PACE_BYTES == PACE_BYTES - 1)
            pace_step();
        if (escape == '\0')
            *to++ = text[i];
        else
            to = put_escaped(to, text[i], escape);
    }
    *to++ = '"';
    *to = '\0';
    out->len += room;
    return 0;
}

static int put_number(struct buf *out, const json_t *value)
{
    char text[NUMBER_MAX];
    size_t len = json_dumpb(value, text, sizeof text, NUMBER_FLAGS);

    return len > 0 && len <= sizeof text ? buf_append(out, text, len) : -1;
}

static int put_value(struct buf *out, const json_t *value);

static int put_array(struct buf *out, const json_t *array)
{
    if (buf_puts(out, "[") != 0)
        return -1;
    for (size_t i = 0; i < json_array_size(array); i++)
        if ((i > 0 && buf_puts(out, ",") != 0) || put_value(out, json_array_get(array, i)) != 0)
            return -1;
    return buf_puts(out, "]");
}

static int put_member(struct buf *out, void *member)
{
    if (put_string(out, json_object_iter_key(member), json_object_iter_key_len(member)) != 0)
        return -1;
    return buf_puts(out, ":") != 0 ? -1 : put_value(out, json_object_iter_value(member));
}

static int put_object(struct buf *out, const json_t *object)
{
    json_t *members = (json_t *)object;
    bool first = true;

    if (buf_puts(out, "{") != 0)
        return -1;
    for (void *at = json_object_iter(members); at != NULL; at = json_object_iter_next(members, at)) {
        if ((!first && buf_puts(out, ",") != 0) || put_member(out, at) != 0)
            return -1;
        first = false;
    }
    return buf_puts(out, "}");
}

/* Calls itself as deeply as the value is nested; what was parsed is nested JSON_DEPTH_MAX deep at most. 0, or -1 as
 * put_string(). */
static int put_value(struct buf *out, const json_t *value)
{
    pace_bytes(VALUE_BYTES);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return put_object(out, value);
    case JSON_ARRAY:
        return put_array(out, value);
    case JSON_STRING:
        return put_string(out, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
    case JSON_REAL:
        return put_number(out, value);
    case JSON_TRUE:
        return buf_puts(out, "true");
    case JSON_FALSE:
        return buf_puts(out, "false");
    case JSON_NULL:
        return buf_puts(out, "null");
    }
    return -1;
}

char *json_text(const json_t *value, size_t *len)
{
    struct buf out;

    buf_init(&out, PTRDIFF_MAX); /* no cap of its own: the value is in memory already */
    if (value == NULL || put_value(&out, value) != 0) {
        buf_free(&out);
        return NULL;
    }
    return buf_detach(&out, len);
}
