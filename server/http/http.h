/* The HTTP/1.1 server: what the rest of the service sees of it.
 *
 * A listener accepts connections. A connection carries exchanges (a request and its answer), one at a time; pipelined
 * requests are answered in their order. The way of an exchange:
 *
 *   head read ─ route found ─ admit() ─ http_admit() ─ body read ─ route's handler ─ http_respond()
 *                   │            └ or http_respond() at once: the connection closes after it if the request has a
 *                   └ 404, 405     body, because the body was not read
 *
 * Instead of http_respond() an answer may flow (flow.h), or the socket may be handed over (upgrade.h). A body may come
 * piece by piece (body.h). docs/internals/http.md tells how it works inside.
 *
 * Framing, sizes, counts and times are checked here, and what is wrong is answered here (400, 408, 413, 414, 415, 431,
 * 503). So are 404, 405 (with Allow) and HEAD (a GET whose body is left out). Nothing here knows what a request means.
 *
 * Memory: the server owns an exchange from its head until the answer is written. Pointers into a request are good until
 * http_respond(). All is on one loop, without locks. */
#ifndef CODECELL_HTTP_HTTP_H
#define CODECELL_HTTP_HTTP_H

#include "http/answer.h"
#include "http/body.h"
#include "http/claim.h"
#include "http/exchange.h"
#include "http/filter.h"
#include "http/flow.h"
#include "http/gzip.h"
#include "http/listener.h"
#include "http/manners.h"
#include "http/presented_key.h"
#include "http/router.h"
#include "http/transport.h"
#include "http/upgrade.h"

#endif
