#include "languages/limits.h"

#include "base/json.h"

#include <string.h>

const struct limits limits_defaults = {.cell = {.milli_cpus = 1000, .memory_mb = 512, .disk_mb = 100, .processes = 64},
                                       .output_kb = 1024};
const struct limits limits_minima = {.cell = {.milli_cpus = 100, .memory_mb = 32, .disk_mb = 1, .processes = 8},
                                     .output_kb = 1};

/* By enum limit: the member's name, and where it lies in struct limits. */
static const struct member {
    const char *name;
    size_t offset;
} members[LIMITS] = {
    [LIMIT_CPU] = {"cpu", offsetof(struct limits, cell.milli_cpus)},
    [LIMIT_MEMORY] = {"memory_mb", offsetof(struct limits, cell.memory_mb)},
    [LIMIT_DISK] = {"disk_mb", offsetof(struct limits, cell.disk_mb)},
    [LIMIT_PROCESSES] = {"processes", offsetof(struct limits, cell.processes)},
    [LIMIT_OUTPUT] = {"output_kb", offsetof(struct limits, output_kb)},
};

static uint32_t limit_value(const struct limits *limits, enum limit limit)
{
    uint32_t value;
    memcpy(&value, (const char *)limits + members[limit].offset, sizeof value);
    return value;
}

static void limit_set(struct limits *limits, enum limit limit, uint32_t value)
{
    memcpy((char *)limits + members[limit].offset, &value, sizeof value);
}

/* `prefix`: what stands before the member's name. */
static int limit_wrong(enum limit limit, const char *prefix, const struct limits *maxima, const char *why,
                       struct error *error)
{
    uint32_t least = limit_value(&limits_minima, limit), most = limit_value(maxima, limit);
    if (limit == LIMIT_CPU)
        return error_set(error, ERROR_INVALID, "%scpu: must be a number from %g to %g%s", prefix, least / 1000.0,
                         most / 1000.0, why);
    return error_set(error, ERROR_INVALID, "%s%s: must be an integer from %u to %u%s", prefix, members[limit].name,
                     least, most, why);
}

static bool limit_within(double value, enum limit limit, const struct limits *maxima)
{
    return value >= limit_value(&limits_minima, limit) && value <= limit_value(maxima, limit);
}

/* The limit that a JSON value says, in the unit of struct limits; -1: it says none. `cpu` may have a fraction. */
static double limit_of_json(enum limit limit, const json_t *value)
{
    int64_t number;
    if (limit != LIMIT_CPU)
        return json_as_integer(value, &number) == 0 ? (double)number : -1;
    return json_is_number(value) ? json_number_value(value) * 1000 : -1;
}

static int limit_read(struct limits_overrides *out, enum limit limit, const json_t *value, const struct limits *maxima,
                      struct error *error)
{
    if (json_is_null(value))
        return 0;
    double number = limit_of_json(limit, value);
    if (!limit_within(number, limit, maxima))
        return limit_wrong(limit, "limits.", maxima, "", error);
    out->value[limit] = (uint32_t)(number + 0.5);
    out->given |= 1u << limit;
    return 0;
}

static int limits_read_member(struct limits_overrides *out, const char *name, const json_t *value,
                              const struct limits *maxima, json_t *unknown, struct error *error)
{
    for (enum limit limit = 0; limit < LIMITS; limit++)
        if (strcmp(name, members[limit].name) == 0)
            return limit_read(out, limit, value, maxima, error);
    if (unknown != NULL && json_array_append_new(unknown, json_sprintf("limits.%s", name)) != 0)
        return error_memory(error);
    return 0;
}

int limits_read(struct limits_overrides *out, const json_t *object, const struct limits *maxima, json_t *unknown,
                struct error *error)
{
    *out = (struct limits_overrides){.given = 0};
    if (!json_is_object(object))
        return error_set(error, ERROR_INVALID, "limits: must be an object");
    /* jansson iterates over a non-const object; nothing is changed through it. */
    json_t *source = (json_t *)object, *value;
    const char *name;
    json_object_foreach (source, name, value) {
        if (limits_read_member(out, name, value, maxima, unknown, error) != 0)
            return -1;
    }
    return 0;
}

int limits_override(struct limits *limits, const struct limits_overrides *overrides, const struct limits *maxima,
                    struct error *error)
{
    struct limits set = *limits;
    for (enum limit limit = 0; limit < LIMITS; limit++) {
        if ((overrides->given & 1u << limit) == 0)
            continue;
        if (!limit_within(overrides->value[limit], limit, maxima))
            return limit_wrong(limit, "limits.", maxima, "", error);
        limit_set(&set, limit, overrides->value[limit]);
    }
    *limits = set;
    return 0;
}

/* A language's least limits are named for these alone. */
#define LIMIT_HAS_LEAST(limit) ((limit) == LIMIT_MEMORY || (limit) == LIMIT_DISK || (limit) == LIMIT_PROCESSES)

int limits_least_read(struct limits *least, const struct reader *in, const struct limits *usual)
{
    static const char *const known[] = {"memory_mb", "disk_mb", "processes", NULL};
    struct reader inside;

    *least = limits_minima;
    int found = reader_enter(in, "least", false, known, &inside);
    if (found != 0)
        return found < 0 ? -1 : 0;
    for (enum limit limit = 0; limit < LIMITS; limit++) {
        const json_t *value = json_object_get(inside.object, members[limit].name);
        if (value == NULL || !LIMIT_HAS_LEAST(limit))
            continue;
        double number = limit_of_json(limit, value);
        if (!limit_within(number, limit, usual))
            return limit_wrong(limit, inside.prefix, usual, ", the language's own limit", in->error);
        limit_set(least, limit, (uint32_t)number);
    }
    return 0;
}

int limits_suffice(const struct limits *limits, const struct limits *least, const char *name, struct error *error)
{
    for (enum limit limit = 0; limit < LIMITS; limit++) {
        uint32_t needed = limit_value(least, limit);
        if (LIMIT_HAS_LEAST(limit) && limit_value(limits, limit) < needed)
            return error_set(error, ERROR_INVALID, "limits.%s: %s needs at least %u", members[limit].name, name,
                             needed);
    }
    return 0;
}

json_t *limits_json(const struct limits *limits)
{
    json_t *object = json_object();
    json_object_set_new(object, members[LIMIT_CPU].name, json_real(limits->cell.milli_cpus / 1000.0));
    for (enum limit limit = LIMIT_CPU + 1; limit < LIMITS; limit++)
        json_object_set_new(object, members[limit].name, json_integer(limit_value(limits, limit)));
    return object;
}
