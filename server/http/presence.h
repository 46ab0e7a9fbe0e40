/* Whether the client is still there while its exchange is under way.
 *
 * A reset is read at once. An end of file does not say so much: the client may have shut its sending side only and wait
 * for the answer (curl and netcat can do so), or it may have closed the connection. TCP says the same in both cases,
 * until something is sent: a peer that has closed replies with a reset, and a peer that has only stopped sending takes
 * it.
 *
 * So we send something: the first bytes of the answer to come, "HTTP/1.1 ", which are the same whatever the answer will
 * be. We send them one at a time and at growing intervals. The answer then leaves out what was sent. Between the bytes
 * we look at the socket's state, because the reset shows there.
 *
 * We do the same while nothing is read because `pending` is full: an end of file would not show after all that the
 * client has sent ahead.
 *
 * We do not while a 100 Continue is owed, because it would have to come first. */
#ifndef CODECELL_HTTP_PRESENCE_H
#define CODECELL_HTTP_PRESENCE_H

struct http_connection;

/* Begins to look if the exchange has a gone callback and the end of the connection would not be read. */
void http_presence_watch(struct http_connection *conn);

#endif
