/* What the engine sends on an attach stream: first the head of an HTTP answer, then output in the engine's
 * framing (stdcopy). Both are read as they come, in pieces of any size; no loop, no memory of their own. */
#ifndef CODECELL_DOCKER_ENGINE_STREAM_H
#define CODECELL_DOCKER_ENGINE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define STREAM_HEAD_MAX 16384u /* bytes of the answer's head, or of a refusal's whole answer */

/* Reads a head. Returns its length with the empty line, 0 where more bytes are needed, -1 where it is no head
 * of HTTP/1.x or announces a body in chunks for what should be a stream. */
long stream_head(const char *data, size_t len, int *status);

/* The engine's message in a refusal's body so far ({"message": "…"}, chunked or not), cut to `size`. 1 where it
 * is whole, 0 where it is not. */
int stream_refusal(const char *body, size_t len, char *out, size_t size);

/* The engine's frames: type (1 stdout, 2 stderr), three zeros, length of what follows, big-endian. */
struct stdcopy {
    uint8_t head[8];
    size_t have;   /* bytes of `head` */
    uint32_t left; /* bytes of the frame that are still to come */
};

enum stdcopy_result { STDCOPY_MORE, STDCOPY_DATA, STDCOPY_BAD };

/* Takes bytes from the front of `*data` (advances it and `*len`) up to the next piece of stdout, which it points
 * out. MORE: all was taken. BAD: no such frame exists. */
enum stdcopy_result stdcopy_next(struct stdcopy *stream, const uint8_t **data, size_t *len, const uint8_t **piece,
                                 size_t *piece_len);
/* Whether the stream may end here: between two frames. */
int stdcopy_whole(const struct stdcopy *stream);

#endif
