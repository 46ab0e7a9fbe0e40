#include "languages/limits.h"

#include <stddef.h>
#include <string.h>

const struct limits limits_defaults = {.cell = {.milli_cpus = 1000, .memory_mb = 512, .disk_mb = 100, .processes = 64},
                                       .output_kb = 1024};
const struct limits limits_minima = {.cell = {.milli_cpus = 100, .memory_mb = 32, .disk_mb = 1, .processes = 8},
                                     .output_kb = 1};

/* By enum limit. The least values are those of limits_minima. */
static const struct field limits_list[LIMITS] = {
    [LIMIT_CPU] = {.name = "cpu",
                   .type = FIELD_NUMBER,
                   .least = 100,
                   .bound = LIMITS_BOUND + LIMIT_CPU,
                   .at = offsetof(struct limits_overrides, value[LIMIT_CPU]),
                   .fallback = "1",
                   .meaning = "processors"},
    [LIMIT_MEMORY] = {.name = "memory_mb",
                      .type = FIELD_INTEGER,
                      .least = 32,
                      .bound = LIMITS_BOUND + LIMIT_MEMORY,
                      .at = offsetof(struct limits_overrides, value[LIMIT_MEMORY]),
                      .fallback = "512",
                      .meaning = "resident memory and shared memory outside /tmp, in MiB"},
    [LIMIT_DISK] = {.name = "disk_mb",
                    .type = FIELD_INTEGER,
                    .least = 1,
                    .bound = LIMITS_BOUND + LIMIT_DISK,
                    .at = offsetof(struct limits_overrides, value[LIMIT_DISK]),
                    .fallback = "100",
                    .meaning = "all that the program writes, in MiB"},
    [LIMIT_PROCESSES] = {.name = "processes",
                         .type = FIELD_INTEGER,
                         .least = 8,
                         .bound = LIMITS_BOUND + LIMIT_PROCESSES,
                         .at = offsetof(struct limits_overrides, value[LIMIT_PROCESSES]),
                         .fallback = "64",
                         .meaning = "processes and threads at once"},
    [LIMIT_OUTPUT] = {.name = "output_kb",
                      .type = FIELD_INTEGER,
                      .least = 1,
                      .bound = LIMITS_BOUND + LIMIT_OUTPUT,
                      .at = offsetof(struct limits_overrides, value[LIMIT_OUTPUT]),
                      .fallback = "1024",
                      .meaning = "output that is kept of each stream, in KiB"},
};
const struct fields limits_fields = FIELDS(limits_list, sizeof(struct limits_overrides));

/* By enum limit: its offset in struct limits, where it is a uint32_t. */
static const size_t offsets[LIMITS] = {
    [LIMIT_CPU] = offsetof(struct limits, cell.milli_cpus), [LIMIT_MEMORY] = offsetof(struct limits, cell.memory_mb),
    [LIMIT_DISK] = offsetof(struct limits, cell.disk_mb),   [LIMIT_PROCESSES] = offsetof(struct limits, cell.processes),
    [LIMIT_OUTPUT] = offsetof(struct limits, output_kb),
};

static uint32_t limit_value(const struct limits *limits, enum limit limit)
{
    uint32_t value;

    memcpy(&value, (const char *)limits + offsets[limit], sizeof value);
    return value;
}

static void limit_set(struct limits *limits, enum limit limit, int64_t number)
{
    uint32_t value = (uint32_t)number;

    memcpy((char *)limits + offsets[limit], &value, sizeof value);
}

void limits_bounds(int64_t *bounds, const struct limits *maxima)
{
    for (enum limit limit = 0; limit < LIMITS; limit++)
        bounds[LIMITS_BOUND + limit] = limit_value(maxima, limit);
}

static int limit_wrong(enum limit limit, const struct limits *maxima, struct error *error)
{
    uint32_t least = limit_value(&limits_minima, limit), most = limit_value(maxima, limit);
    const char *name = limits_list[limit].name;

    if (limit == LIMIT_CPU)
        return error_set(error, ERROR_INVALID, "limits.%s: must be a number from %g to %g", name, least / 1000.0,
                         most / 1000.0);
    return error_set(error, ERROR_INVALID, "limits.%s: must be an integer from %u to %u", name, least, most);
}

int limits_override(struct limits *limits, const struct limits_overrides *overrides, const struct limits *maxima,
                    struct error *error)
{
    struct limits set = *limits;

    for (enum limit limit = 0; limit < LIMITS; limit++) {
        int64_t value = overrides->value[limit];
        if (value == 0)
            continue;
        if (value < limit_value(&limits_minima, limit) || value > limit_value(maxima, limit))
            return limit_wrong(limit, maxima, error);
        limit_set(&set, limit, value);
    }
    *limits = set;
    return 0;
}

/* A language's least limits are named for these alone. */
static const enum limit with_least[] = {LIMIT_MEMORY, LIMIT_DISK, LIMIT_PROCESSES};
#define WITH_LEAST (sizeof with_least / sizeof *with_least)

int limits_least_read(struct limits *least, const struct field_place *place, const json_t *object,
                      const struct limits *own)
{
    struct field list[WITH_LEAST];
    char sentences[WITH_LEAST][80];
    struct limits_overrides overrides = {.value = {0}};
    const struct fields fields = FIELDS(list, sizeof overrides);

    *least = limits_minima;
    for (size_t i = 0; i < WITH_LEAST; i++) {
        list[i] = limits_list[with_least[i]];
        list[i].bound = 0;
        list[i].most = limit_value(own, with_least[i]);
        snprintf(sentences[i], sizeof sentences[i], "must be an integer from %lld to %lld, the language's own limit",
                 (long long)list[i].least, (long long)list[i].most);
        list[i].sentence = sentences[i];
    }
    if (fields_read_inside(&fields, object, place, &overrides) != 0)
        return -1;
    for (enum limit limit = 0; limit < LIMITS; limit++)
        if (overrides.value[limit] != 0)
            limit_set(least, limit, overrides.value[limit]);
    return 0;
}

int limits_suffice(const struct limits *limits, const struct limits *least, const char *name, struct error *error)
{
    for (size_t i = 0; i < WITH_LEAST; i++) {
        uint32_t needed = limit_value(least, with_least[i]);
        if (limit_value(limits, with_least[i]) < needed)
            return error_set(error, ERROR_INVALID, "limits.%s: %s needs at least %u", limits_list[with_least[i]].name,
                             name, needed);
    }
    return 0;
}

void limits_rise(struct limits *limits, const struct limits *least)
{
    for (size_t i = 0; i < WITH_LEAST; i++)
        if (limit_value(limits, with_least[i]) < limit_value(least, with_least[i]))
            limit_set(limits, with_least[i], limit_value(least, with_least[i]));
}

json_t *limits_json(const struct limits *limits)
{
    json_t *object = json_object();

    json_object_set_new(object, limits_list[LIMIT_CPU].name, json_real(limits->cell.milli_cpus / 1000.0));
    for (enum limit limit = LIMIT_CPU + 1; limit < LIMITS; limit++)
        json_object_set_new(object, limits_list[limit].name, json_integer(limit_value(limits, limit)));
    return object;
}
