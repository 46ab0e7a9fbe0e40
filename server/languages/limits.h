/* The limits of one execution, as a request may set them (API.md, `limits`), and their ranges. */
#ifndef CODECELL_LANGUAGES_LIMITS_H
#define CODECELL_LANGUAGES_LIMITS_H

#include "base/error.h"
#include "base/fields.h"
#include "docker/cell/cell.h"

#include <jansson.h>

struct limits {
    struct cell_limits cell;
    uint32_t output_kb; /* per stream */
};

enum limit { LIMIT_CPU, LIMIT_MEMORY, LIMIT_DISK, LIMIT_PROCESSES, LIMIT_OUTPUT, LIMITS };

extern const struct limits limits_defaults; /* 1 core, 512, 100, 64, 1024 */
extern const struct limits limits_minima;   /* 0.1, 32, 1, 8, 1 */

/* Limits that are named one by one, in the units of struct limits; 0: not named. */
struct limits_overrides {
    int64_t value[LIMITS];
};

/* The fields of `limits`. They lie in a struct limits_overrides, and their greatest values are a reading's bounds from
 * LIMITS_BOUND on (limits_bounds). */
extern const struct fields limits_fields;
#define LIMITS_BOUND 1
#define LIMITS_BOUNDS (LIMITS_BOUND + LIMITS) /* how many bounds a reading has at least */

/* Fills bounds[LIMITS_BOUND] and what follows. */
void limits_bounds(int64_t *bounds, const struct limits *maxima);

/* Sets the limits that are named. 0, or -1 with ERROR_INVALID and a sentence ("limits.cpu: must be a number from 0.1 to
 * 2") if one is not within limits_minima and `maxima`; then `limits` has not changed. */
int limits_override(struct limits *limits, const struct limits_overrides *overrides, const struct limits *maxima,
                    struct error *error);

/* The least limits with which a language works: an object of memory_mb, disk_mb and processes that a check has found at
 * `place`. What it does not name is limits_minima's. None may be over `own`, the language's own limits. 0, or -1 with a
 * sentence. */
int limits_least_read(struct limits *least, const struct field_place *place, const json_t *object,
                      const struct limits *own);

/* 0, or -1 with ERROR_INVALID if a limit is below the least one of the language of that name: "limits.processes: Java
 * needs at least 20". */
int limits_suffice(const struct limits *limits, const struct limits *least, const char *name, struct error *error);

/* Lifts each limit that is below the least one. */
void limits_rise(struct limits *limits, const struct limits *least);

json_t *limits_json(const struct limits *limits); /* {cpu, memory_mb, disk_mb, processes, output_kb} */

#endif
