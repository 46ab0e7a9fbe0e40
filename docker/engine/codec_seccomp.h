/* Our seccomp profile. codec_seccomp.c says what it refuses and why. */
#ifndef CODECELL_DOCKER_ENGINE_CODEC_SECCOMP_H
#define CODECELL_DOCKER_ENGINE_CODEC_SECCOMP_H

/* The profile as JSON text; free() it. NULL: out of memory. */
char *codec_seccomp(void);

#endif
