#include "languages/limits.h"

#include "base/json.h"

#include <string.h>

const struct limits limits_defaults = {.cell = {.milli_cpus = 1000, .memory_mb = 512, .disk_mb = 100, .processes = 64},
                                       .output_kb = 1024};
const struct limits limits_minima = {.cell = {.milli_cpus = 100, .memory_mb = 32, .disk_mb = 1, .processes = 8},
                                     .output_kb = 1};

/* The members that are whole numbers: where each lies in struct limits. */
static const struct member {
    const char *name;
    size_t offset;
} members[] = {
    {"memory_mb", offsetof(struct limits, cell.memory_mb)},
    {"disk_mb", offsetof(struct limits, cell.disk_mb)},
    {"processes", offsetof(struct limits, cell.processes)},
    {"output_kb", offsetof(struct limits, output_kb)},
};

static uint32_t member_value(const struct limits *limits, const struct member *member)
{
    uint32_t value;
    memcpy(&value, (const char *)limits + member->offset, sizeof value);
    return value;
}

static void set_member(struct limits *limits, const struct member *member, int64_t number)
{
    uint32_t narrow = (uint32_t)number;
    memcpy((char *)limits + member->offset, &narrow, sizeof narrow);
}

static int read_member(struct limits *limits, const struct member *member, const json_t *value,
                       const struct limits *maxima, struct error *error)
{
    uint32_t least = member_value(&limits_minima, member), most = member_value(maxima, member);
    int64_t number;
    if (json_as_integer(value, &number) != 0 || number < least || number > most)
        return error_set(error, ERROR_INVALID, "limits.%s: must be an integer from %u to %u", member->name, least,
                         most);
    set_member(limits, member, number);
    return 0;
}

static int read_cpu(struct limits *limits, const json_t *value, const struct limits *maxima, struct error *error)
{
    double least = limits_minima.cell.milli_cpus / 1000.0, most = maxima->cell.milli_cpus / 1000.0;
    double cpu = json_is_number(value) ? json_number_value(value) : -1;
    if (!(cpu >= least && cpu <= most))
        return error_set(error, ERROR_INVALID, "limits.cpu: must be a number from %g to %g", least, most);
    limits->cell.milli_cpus = (uint32_t)(cpu * 1000 + 0.5);
    return 0;
}

static int read_one(struct limits *limits, const char *name, const json_t *value, const struct limits *maxima,
                    json_t *unknown, struct error *error)
{
    if (strcmp(name, "cpu") == 0)
        return json_is_null(value) ? 0 : read_cpu(limits, value, maxima, error);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strcmp(name, members[i].name) == 0)
            return json_is_null(value) ? 0 : read_member(limits, &members[i], value, maxima, error);
    if (unknown != NULL && json_array_append_new(unknown, json_sprintf("limits.%s", name)) != 0)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    return 0;
}

int limits_read(struct limits *limits, const json_t *object, const struct limits *maxima, json_t *unknown,
                struct error *error)
{
    if (!json_is_object(object))
        return error_set(error, ERROR_INVALID, "limits: must be an object");
    /* jansson iterates over a non-const object; nothing is changed through it. */
    json_t *source = (json_t *)object, *value;
    struct limits read = *limits;
    const char *name;
    json_object_foreach (source, name, value) {
        if (read_one(&read, name, value, maxima, unknown, error) != 0)
            return -1;
    }
    *limits = read;
    return 0;
}

int limits_least_read(struct limits *least, const struct reader *in, const struct limits *usual)
{
    static const char *const known[] = {"memory_mb", "disk_mb", "processes", NULL};
    struct reader inside;
    int64_t number;

    *least = limits_minima;
    int found = reader_enter(in, "least", false, known, &inside);
    if (found != 0)
        return found < 0 ? -1 : 0;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const json_t *value = json_object_get(inside.object, members[i].name);
        uint32_t low = member_value(&limits_minima, &members[i]), high = member_value(usual, &members[i]);
        if (value == NULL)
            continue;
        if (json_as_integer(value, &number) != 0 || number < low || number > high)
            return error_set(in->error, ERROR_INVALID,
                             "%s%s: must be an integer from %u to %u, the language's own limit", inside.prefix,
                             members[i].name, low, high);
        set_member(least, &members[i], number);
    }
    return 0;
}

int limits_suffice(const struct limits *limits, const struct limits *least, const char *name, struct error *error)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        uint32_t needed = member_value(least, &members[i]);
        if (member_value(limits, &members[i]) < needed)
            return error_set(error, ERROR_INVALID, "limits.%s: %s needs at least %u", members[i].name, name, needed);
    }
    return 0;
}

json_t *limits_json(const struct limits *limits)
{
    json_t *object = json_object();
    json_object_set_new(object, "cpu", json_real(limits->cell.milli_cpus / 1000.0));
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_object_set_new(object, members[i].name, json_integer(member_value(limits, &members[i])));
    return object;
}
