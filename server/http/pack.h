/* A large body goes through the filters on a worker thread, so that the loop goes on meanwhile:
 *
 *   http_respond() ─ http_pack_start() ─ (worker) filters ─ http_answer_send()
 *                          └ false: the body is small, or nothing filters it
 *
 * The exchange and its connection live until the worker has come back, also if the connection is closed meanwhile. */
#ifndef CODECELL_HTTP_PACK_H
#define CODECELL_HTTP_PACK_H

#include <stdbool.h>

#define HTTP_PACK_INLINE 65536u /* bytes that are filtered on the loop: about a millisecond */

struct http_exchange;

/* Whether a worker has the exchange's body now. http_answer_send() follows then. */
bool http_pack_start(struct http_exchange *ex);

#endif
