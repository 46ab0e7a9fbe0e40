/* Integers in frames and entries: little-endian, at any address. */
#ifndef CODECELL_DOCKER_WIRE_INTEGERS_H
#define CODECELL_DOCKER_WIRE_INTEGERS_H

#include <stdint.h>

void put32(uint8_t *p, uint32_t v);
void put64(uint8_t *p, uint64_t v);
uint32_t get32(const uint8_t *p);
uint64_t get64(const uint8_t *p);

#endif
