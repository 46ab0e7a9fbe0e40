#include "http/server.h"

#include <stdlib.h>

void http_server_release(struct http_server *server)
{
    if (server->state != HTTP_STOPPING || server->handles > 0 || !list_is_empty(&server->connections) ||
        server->shares.claims > 0)
        return;
    if (server->closed != NULL)
        server->closed(server->closed_arg);
    free(server);
}
