/* The bytes that the engine sends on an attach stream: first the head of an HTTP answer, then output in the engine's
 * framing (stdcopy). Both are read as they come, in pieces of any size, without a loop and without memory of their own.
 */
#ifndef CODECELL_DOCKER_ENGINE_STREAM_H
#define CODECELL_DOCKER_ENGINE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define STREAM_HEAD_MAX 16384u /* bytes of the answer's head, or of a refusal's whole answer */

/* Reads a head. Returns its length with the empty line; 0: more bytes are needed; -1: the bytes are not a head of
 * HTTP/1.x, or it announces a body in chunks instead of a stream. */
long stream_head(const char *data, size_t len, int *status);

/* Finds the engine's message in the part of a refusal's body that has come ({"message": "…"}, chunked or not), and cuts
 * it to `size`. 1, or 0: it is not complete. */
int stream_refusal(const char *body, size_t len, char *out, size_t size);

/* The engine's frames: type (1 stdout, 2 stderr), three zeros, length of what follows, big-endian. */
struct stdcopy {
    uint8_t head[8];
    size_t have;   /* bytes of `head` that have come */
    uint32_t left; /* bytes of the frame that have not come yet */
};

enum stdcopy_result { STDCOPY_MORE, STDCOPY_STDOUT, STDCOPY_STDERR, STDCOPY_BAD };

/* Takes bytes from the front of `*data` (advances it and `*len`) up to and including the next piece of stdout or
 * stderr. STDOUT, STDERR: `*piece` points to that piece. MORE: everything was taken. BAD: the bytes are not a frame. */
enum stdcopy_result stdcopy_next(struct stdcopy *stream, const uint8_t **data, size_t *len, const uint8_t **piece,
                                 size_t *piece_len);
/* Whether the stream may end here: between two frames. */
int stdcopy_whole(const struct stdcopy *stream);

#endif
