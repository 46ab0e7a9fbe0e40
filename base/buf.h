/* A byte buffer that is born with its maximum. Reaching the maximum is an ordinary error (-1), after
 * which the content is as it was before the call. The content is always followed by a NUL byte that
 * does not count. */
#ifndef CODECELL_BASE_BUF_H
#define CODECELL_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *data; /* NULL while nothing was added */
    size_t len; /* bytes in use */
    size_t cap; /* bytes allocated */
    size_t max; /* bytes that `len` may reach */
};

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b); /* the buffer may be used again, with the same maximum */

/* 0, or -1 if the maximum is reached or there is no memory. */
int buf_append(struct buf *b, const void *data, size_t len);
int buf_puts(struct buf *b, const char *text);
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
int buf_reserve(struct buf *b, size_t more); /* room for `more` bytes after data+len */

void buf_consume(struct buf *b, size_t len); /* drops `len` bytes from the front */
void buf_reset(struct buf *b);               /* empties, keeps the memory */

/* Hands the memory over to the caller, who frees it with free(). The buffer is empty afterwards. NULL: out of
 * memory. */
char *buf_detach(struct buf *b, size_t *len);

#endif
