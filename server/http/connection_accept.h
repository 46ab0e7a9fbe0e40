/* A connection's beginning, and what its timer and the server's drain do to it. */
#ifndef CODECELL_HTTP_CONNECTION_ACCEPT_H
#define CODECELL_HTTP_CONNECTION_ACCEPT_H

struct http_connection;
struct http_server;

/* Takes the connection that the listener reports. */
void http_connection_accept(struct http_server *server);

/* The server ends: closes the connection if it has no request, else hastens its end. */
void http_connection_drain(struct http_connection *conn);

#endif
