/* A request as bytes, so that work can be accepted now and run later, perhaps by another process. What request_settle()
 * decides is not written: it is decided anew when the request is read back.
 *
 *   byte 0   REQUEST_CODEC_VERSION
 *   then     the fields of struct execution_request in the order of request_codec.c
 *
 * An integer is 8 bytes, little-endian. A text is its length as an integer, its bytes, and a NUL; a text that may be
 * missing has the length UINT64_MAX then, and nothing after it. A list is its length, then its items. */
#ifndef CODECELL_RUN_REQUEST_CODEC_H
#define CODECELL_RUN_REQUEST_CODEC_H

#include "base/buf.h"
#include "run/request.h"

#define REQUEST_CODEC_VERSION 4

/* Appends the bytes. 0, or -1 if the buffer's maximum is reached or there is no memory. */
int request_encode(const struct execution_request *request, struct buf *out);

/* Fills `request`, whose values are a copy of the bytes. 0, or -1 with ERROR_INTERNAL (the bytes are not a request of
 * this version) or ERROR_MEMORY. Free the request in both cases. */
int request_decode(struct execution_request *request, const void *bytes, size_t len, struct error *error);

#endif
