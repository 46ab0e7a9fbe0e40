/* A WebSocket to the server, for commands that talk with a program while it runs. Messages are texts. Connecting
 * blocks; afterwards nothing does, and the owner waits with poll(). libcurl carries the bytes, so https and proxies
 * work. */
#ifndef CODECELL_CLIENT_LIVE_SOCKET_H
#define CODECELL_CLIENT_LIVE_SOCKET_H

#include "client/remote.h"

#include <stdint.h>

#define LIVE_MESSAGE_MAX REMOTE_ANSWER_MAX /* bytes of a message from the server */

struct live_socket;

/* A message from the server; good for the call alone. */
typedef void live_on_text(void *arg, const char *text, size_t len);

/* NULL: the server is not there, or it refused. `on_text` fires within live_socket_advance() alone. */
struct live_socket *live_socket_open(const struct remote *remote, const char *path, const char *subprotocol,
                                     live_on_text *on_text, void *arg, struct error *error);
void live_socket_free(struct live_socket *live); /* may be NULL */

/* What poll() should wait for. */
int live_socket_fd(const struct live_socket *live);
short live_socket_events(const struct live_socket *live);
int live_socket_patience(const struct live_socket *live); /* its timeout: 0 if there is more to read already, or -1 */

/* Queues a message. 0, or -1: out of memory, or the connection is over. */
int live_socket_send(struct live_socket *live, const char *text, size_t len);
size_t live_socket_queued(const struct live_socket *live); /* bytes that wait to be sent */

/* Sends and receives what is possible now. 0, or -1: the connection broke. */
int live_socket_advance(struct live_socket *live, struct error *error);

/* The server's close frame has come, or the end of the connection, or what is no frame; nothing follows. */
bool live_socket_is_over(const struct live_socket *live);

#endif
