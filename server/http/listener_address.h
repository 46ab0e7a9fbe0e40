/* "127.0.0.1:8002", "[::1]:8002" or "unix:/path" into a bound socket. */
#ifndef CODECELL_HTTP_LISTENER_ADDRESS_H
#define CODECELL_HTTP_LISTENER_ADDRESS_H

#include <stdbool.h>

struct error;
struct http_server;

/* Opens the server's listener on the address: bound, with its file's mode set, not yet listening. `*opened`: the handle
 * was initialized, and must be closed, also after an error. 0, or -1. */
int http_address_open(struct http_server *server, const char *address, bool *opened, struct error *error);

/* Writes the address in use, with the real port, to the server. 0, or an error of uv. */
int http_address_name(struct http_server *server, const char *address);

#endif
