/* Our seccomp profile. codec_seccomp.c says what it refuses and why. */
#ifndef CODECELL_DOCKER_ENGINE_CODEC_SECCOMP_H
#define CODECELL_DOCKER_ENGINE_CODEC_SECCOMP_H

#include <stdbool.h>

/* The profile as JSON text; free() it. `capsules`: it also allows what the agent needs to make capsules. NULL: out of
 * memory. */
char *codec_seccomp(bool capsules);

#endif
