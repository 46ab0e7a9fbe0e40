/* What the hosts of the server and of the engine lack. An operator is told (base/notices.h). */
#ifndef CODECELL_HOST_H
#define CODECELL_HOST_H

#include <jansson.h>

void host_look_at_cores(void); /* at the start */

/* `info`: what the engine's GET /info answers. Many hosts lack what is looked for, so the log does not warn of it. */
void host_look_at_engine(const json_t *info);

#endif
