/* Whether a browser may have been tricked into a request to the MCP server. */
#ifndef CODECELL_FACES_MCP_REACH_H
#define CODECELL_FACES_MCP_REACH_H

#include <stdbool.h>

/* `origin` is NULL if there is none, or if the settings allow it. NULL: it may be served. Else the sentence of a 403.
 * `direct`: it comes straight from this machine. A page of another server shows itself by its Origin. A page whose
 * server's name was changed to a loopback address (DNS rebinding) has an Origin that fits, but its Host is that name.
 */
const char *mcp_unreachable(const char *origin, const char *host, bool direct);

#endif
