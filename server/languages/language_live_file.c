#include "languages/language_live_file.h"

#include "languages/language_version_file.h"

/* What is read of `live`; NULL: absent. */
struct live_file {
    char **env, **prefix, **argv;
};

static const struct field live_list[] = {
    {.name = "environment",
     .type = FIELD_VARIABLES,
     .most = LANGUAGE_STRINGS_MAX,
     .check = language_environment_check,
     .at = offsetof(struct live_file, env),
     .meaning = "variables over the version's own"},
    {.name = "prefix",
     .type = FIELD_TEXTS,
     .least = 1,
     .most = LANGUAGE_STRINGS_MAX,
     .check = language_argv_check,
     .at = offsetof(struct live_file, prefix),
     .meaning = "words before the run step's command"},
    {.name = "argv",
     .type = FIELD_TEXTS,
     .least = 1,
     .most = LANGUAGE_STRINGS_MAX,
     .check = language_argv_check,
     .at = offsetof(struct live_file, argv),
     .meaning = "the command instead of the run step's"},
};
static const struct fields live_fields = FIELDS(live_list, sizeof(struct live_file));

static size_t live_count(char *const *strings)
{
    size_t n = 0;

    while (strings != NULL && strings[n] != NULL)
        n++;
    return n;
}

/* The words of `prefix`, then those of `run`. NULL: out of memory. */
static char **joined(struct arena *arena, char *const *prefix, char *const *run)
{
    size_t before = live_count(prefix), after = live_count(run);
    char **out = arena_alloc(arena, (before + after + 1) * sizeof *out);

    for (size_t i = 0; out != NULL && i < before + after; i++)
        out[i] = i < before ? prefix[i] : run[i - before];
    return out;
}

int language_live_read(const struct field_place *up, const json_t *value, char *const *run, struct language_live *live)
{
    const struct field_place place = {.up = up, .name = "live", .reading = up->reading},
                             prefix = {.up = &place, .name = "prefix", .reading = up->reading};
    struct live_file file = {.env = NULL};

    live->known = value != NULL;
    if (value == NULL || json_is_true(value))
        return 0;
    if (!json_is_object(value) || json_object_size(value) == 0)
        return field_wrong(&place, "must be true, or an object of environment, prefix or argv");
    if (fields_read_inside(&live_fields, value, &place, &file) != 0)
        return -1;
    if (file.prefix != NULL && file.argv != NULL)
        return field_wrong(&prefix, "must not stand beside argv");
    live->env = file.env;
    live->run = file.argv;
    if (file.prefix != NULL && (live->run = joined(up->reading->arena, file.prefix, run)) == NULL)
        return error_memory(up->reading->error);
    return 0;
}
