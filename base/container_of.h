/* The struct that embeds a member, found again from the member's address. */
#ifndef CODECELL_BASE_CONTAINER_OF_H
#define CODECELL_BASE_CONTAINER_OF_H

#include <stddef.h>

#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
