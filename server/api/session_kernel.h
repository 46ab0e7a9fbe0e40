/* POST /api/v1/sessions/{id}/interrupt and /restart: what clients do with the kernel of a session's workspace beside
 * running code in it. */
#ifndef CODECELL_API_SESSION_KERNEL_H
#define CODECELL_API_SESSION_KERNEL_H

#include "api/api.h"

void api_kernel_interrupt(struct http_exchange *ex);
void api_kernel_restart(struct http_exchange *ex);

#endif
