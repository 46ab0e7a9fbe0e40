/* Small texts with a fixed form: UUIDs, times, hex, UTF-8. */
#ifndef CODECELL_BASE_TEXT_H
#define CODECELL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define UUID_LEN 36
#define TIME_LEN 24 /* 2026-01-02T03:04:05.678Z */

void text_uuid(char out[UUID_LEN + 1]); /* version 4, RFC 9562, from the seam's random */
bool text_is_uuid(const char *text);    /* lower- or upper-case hex, dashes in place */

/* Milliseconds of Unix time to RFC 3339 in UTC, and back (-1 if the text has another form; a fraction and
 * an offset are optional in it). */
void text_time(int64_t ms, char out[TIME_LEN + 1]);
int text_parse_time(const char *text, int64_t *ms);

/* Copies a text into `room` bytes, cut to fit. */
void text_copy(char *out, size_t room, const char *text);

void text_hex(const void *data, size_t len, char *out); /* 2*len+1 bytes, lower case */

/* Appends `data` with each byte that is not part of well-formed UTF-8 (RFC 3629) replaced by U+FFFD. If `cut` is set,
 * an incomplete sequence at the very end is dropped instead, because a limit cut it, not the program. 0, or -1 if the
 * buffer's maximum is reached. */
int text_utf8_clean(struct buf *out, const char *data, size_t len, bool cut);
bool text_is_utf8(const char *data, size_t len);

/* How many bytes at the end begin a UTF-8 character whose rest is missing: 0 to 3. */
size_t text_utf8_tail(const char *data, size_t len);

/* How many bytes of a UTF-8 text to quote: at most `max`, in whole characters. For "%.*s". */
int text_cut_utf8(const char *text, size_t max);

/* Decodes standard base64 with padding (RFC 4648, section 4), white space refused. `out` has room for
 * len/4*3 bytes. Returns the number of bytes, or -1. */
long text_base64_decode(const char *data, size_t len, void *out);

/* The same for hex of either case: `out` has room for len/2 bytes. */
long text_hex_decode(const char *data, size_t len, void *out);

#endif
