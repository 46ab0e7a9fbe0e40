/* GET /api/v1/connect: one execution over a WebSocket (http/websocket.h). The client starts it and types into it; what
 * it writes comes as messages. Messages and close codes are in docs/api.md.
 *
 *   key ─ admitting ─ start ─ charging ─ reading ─ running ─ answering ─ over
 *                       │ (the request's head has a key)         (any state: the client goes, or breaks the rules)
 *
 * key        waits for a message with the key
 * start      waits for the start message
 * reading    a worker may have it (intake.h)
 * running    until the execution's end (run.h), its wait for a slot included
 * answering  a worker may make the result's text */
#ifndef CODECELL_API_CONNECT_H
#define CODECELL_API_CONNECT_H

#include "api/api.h"

http_handler api_connect;

/* What its route admits a key for; one that comes in a message is admitted for the same. */
#define CONNECT_FLAGS (API_KEY | API_EXECUTE | API_CHARGES)

#define CONNECT_START_MS 10000u        /* for the key, and for the start message to begin */
#define CONNECT_BODY_MS 60000u         /* for a start message that has begun */
#define CONNECT_PING_MS 20000u         /* from one ping to the next */
#define CONNECT_PONG_MS 40000u         /* without a pong: the client has gone */
#define CONNECT_CLOSE_MS 5000u         /* for each step of the close */
#define CONNECT_KEY_MAX (64u << 10)    /* bytes of a message before the key is known */
#define CONNECT_MESSAGE_MAX (1u << 20) /* bytes of a message after start */
/* Bytes of input that the program has not taken; then the socket is not read. */
#define CONNECT_INPUT_HELD (64u << 10)

#endif
