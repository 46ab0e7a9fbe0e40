#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 64 /* bytes of the first allocation */

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max < SIZE_MAX ? max : SIZE_MAX - 1}; /* one more is the NUL's */
}

void buf_free(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

/* The next capacity that holds `need` bytes: doubled, so that appending is linear, and never over the maximum. */
static size_t next_cap(const struct buf *b, size_t need)
{
    size_t cap = b->cap > BUF_FIRST ? b->cap : BUF_FIRST;

    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
    return cap < b->max + 1 ? cap : b->max + 1;
}

int buf_reserve(struct buf *b, size_t more)
{
    if (more > b->max - b->len)
        return -1;
    size_t need = b->len + more + 1;
    if (b->data != NULL && need <= b->cap)
        return 0;
    size_t cap = next_cap(b, need);
    char *data = realloc(b->data, cap);
    if (data == NULL)
        return -1;
    b->data = data;
    b->cap = cap;
    b->data[b->len] = '\0';
    return 0;
}

int buf_append(struct buf *b, const void *data, size_t len)
{
    if (buf_reserve(b, len) != 0)
        return -1;
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

int buf_puts(struct buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}

/* Takes back what a failed print may have written after the text. */
static int unprinted(struct buf *b)
{
    if (b->data != NULL)
        b->data[b->len] = '\0';
    return -1;
}

int buf_vprintf(struct buf *b, const char *format, va_list args)
{
    size_t room = b->data != NULL ? b->cap - b->len : 0; /* the NUL included; the text mostly fits here */
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(room > 0 ? b->data + b->len : NULL, room, format, args);
    bool fits = n >= 0 && (size_t)n <= b->max - b->len;
    if (fits && (size_t)n >= room && (fits = buf_reserve(b, (size_t)n) == 0))
        vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
    va_end(again);
    if (!fits)
        return unprinted(b);
    b->len += (size_t)n;
    return 0;
}

int buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int result = buf_vprintf(b, format, args);
    va_end(args);
    return result;
}

void buf_consume(struct buf *b, size_t len)
{
    if (b->data == NULL)
        return;
    if (len > b->len)
        len = b->len;
    b->len -= len;
    memmove(b->data, b->data + len, b->len + 1);
}

void buf_reset(struct buf *b)
{
    buf_consume(b, b->len);
}

char *buf_detach(struct buf *b, size_t *len)
{
    if (b->data == NULL && buf_append(b, "", 0) != 0)
        return NULL;
    char *data = b->data;
    if (len != NULL)
        *len = b->len;
    buf_init(b, b->max);
    return data;
}
