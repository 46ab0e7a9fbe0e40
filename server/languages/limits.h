/* The limits of one execution, as a request may set them (API.md, `limits`), and their ranges. */
#ifndef CODECELL_LANGUAGES_LIMITS_H
#define CODECELL_LANGUAGES_LIMITS_H

#include "base/error.h"
#include "base/json_reader.h"
#include "docker/cell/cell.h"

#include <jansson.h>

struct limits {
    struct cell_limits cell;
    uint32_t output_kb; /* per stream */
};

enum limit { LIMIT_CPU, LIMIT_MEMORY, LIMIT_DISK, LIMIT_PROCESSES, LIMIT_OUTPUT, LIMITS };

/* Limits that are named one by one; the others stay as they are. All zero at first: none is named. */
struct limits_overrides {
    uint32_t value[LIMITS]; /* in the unit of struct limits */
    unsigned given;         /* bits, 1 << enum limit */
};

extern const struct limits limits_defaults; /* 1 core, 512, 100, 64, 1024 */
extern const struct limits limits_minima;   /* 0.1, 32, 1, 8, 1 */

/* Reads the limits that `object` names. 0, or -1 with ERROR_INVALID and a sentence that names field and range
 * ("limits.cpu: must be a number from 0.1 to 2"). Unknown members are added to `unknown` (array of strings
 * "limits.x"; may be NULL). */
int limits_read(struct limits_overrides *out, const json_t *object, const struct limits *maxima, json_t *unknown,
                struct error *error);

/* Sets the limits that are named. 0, or -1 with ERROR_INVALID if one is not within limits_minima and `maxima`; then
 * `limits` has not changed. */
int limits_override(struct limits *limits, const struct limits_overrides *overrides, const struct limits *maxima,
                    struct error *error);

/* The least limits with which a language works: the object `least` of what `in` reads, with memory_mb, disk_mb and
 * processes; what it does not name is limits_minima's. None may be over `usual`, the language's own limits. 0, or -1
 * with a sentence. */
int limits_least_read(struct limits *least, const struct reader *in, const struct limits *usual);

/* 0, or -1 with ERROR_INVALID where one of the limits is below the least one of the language of that name:
 * "limits.processes: Java needs at least 20". */
int limits_suffice(const struct limits *limits, const struct limits *least, const char *name, struct error *error);

json_t *limits_json(const struct limits *limits); /* {cpu, memory_mb, disk_mb, processes, output_kb} */

#endif
