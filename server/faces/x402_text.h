/* Texts of x402: base64 JSON, and its hex numbers. For the x402 files. */
#ifndef CODECELL_FACES_X402_TEXT_H
#define CODECELL_FACES_X402_TEXT_H

#include "faces/x402.h"

#include <stddef.h>

/* A value as base64 JSON: free() it. NULL: out of memory, or `object` is NULL. */
char *x402_encode(const json_t *object);

/* The requirement as a client or a facilitator of this version reads it. NULL: out of memory. */
json_t *x402_entry(const struct x402_requirement *requirement, int version);

/* "0x" and hex digits of either case, `len` bytes in all, to lower case. 0, or -1. `text` may be NULL. */
int x402_hex_lower(const char *text, size_t len, char *out);

#endif
