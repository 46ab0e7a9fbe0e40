/* The opening of a WebSocket (RFC 6455, section 4) as its client sees it: the text to send, and the answer, read from
 * bytes that come in pieces. Pure, apart from the random key. */
#ifndef CODECELL_CLIENT_HANDSHAKE_H
#define CODECELL_CLIENT_HANDSHAKE_H

#include "base/buf.h"
#include "base/error.h"

#include <llhttp.h>
#include <stdbool.h>

#define HANDSHAKE_KEY_LEN 24                     /* 16 bytes in base64 */
#define HANDSHAKE_ACCEPT_LEN 28                  /* a SHA-1 in base64 */
#define HANDSHAKE_ANSWER_MAX ((size_t)256 << 10) /* bytes of an answer, with the body of a refusal */

struct handshake {
    llhttp_t parser;
    char key[HANDSHAKE_KEY_LEN + 1];
    struct buf name, value;                /* of the header that is being read */
    char accept[HANDSHAKE_ACCEPT_LEN + 2]; /* Sec-WebSocket-Accept; a longer one is cut, and so it is wrong */
    struct buf body;                       /* of a refusal */
    bool over;                             /* all of the answer has come */
};

void handshake_init(struct handshake *handshake);
void handshake_free(struct handshake *handshake);

/* Appends the request. `host`: with the port if it is not the scheme's own; `path`: begins with a slash; `key`: "" for
 * none. 0, or -1: `out` is full. */
int handshake_request(const struct handshake *handshake, struct buf *out, const char *host, const char *path,
                      const char *subprotocol, const char *key);

/* Reads bytes of the answer. *used: how many belong to it; the rest are frames. 0: if `over` is set, the WebSocket is
 * open, else more must come. -1: the server refused it (the sentence is its own), or the answer is wrong. */
int handshake_read(struct handshake *handshake, const char *bytes, size_t len, size_t *used, struct error *error);

/* The value that Sec-WebSocket-Accept must have for a key. */
void handshake_accept_of(const char *key, char out[HANDSHAKE_ACCEPT_LEN + 1]);

#endif
