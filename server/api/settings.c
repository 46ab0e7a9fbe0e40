#include "api/settings.h"

#include "base/json.h"
#include "languages/version.h"

#include <string.h>
#include <strings.h>

static const struct field settings_list[] = {
    SETTINGS_LANGUAGE(struct settings, , false),
    SETTINGS_VERSION(struct settings, ),
    SETTINGS_LIMITS(struct settings, ),
    SETTINGS_ENVIRONMENT(struct settings, ),
};
static const struct fields settings_fields = FIELDS(settings_list, sizeof(struct settings));

int settings_version_check(const struct field_place *place, const struct field *field, const void *value)
{
    struct version_range range;

    if (version_range_read(&range, *(const char *const *)value) == 0)
        return 0;
    return field_wrong(place, "%s", field->sentence);
}

int settings_text(const json_t *body, char **out)
{
    json_t *said = json_object();
    size_t len;

    *out = NULL;
    for (size_t i = 0; i < settings_fields.count; i++) {
        json_t *value = json_object_get(body, settings_list[i].name);
        if (value != NULL && !json_is_null(value))
            json_object_set(said, settings_list[i].name, value);
    }
    bool any = json_object_size(said) > 0;
    if (any)
        *out = json_text(said, &len);
    json_decref(said);
    return !any || *out != NULL ? 0 : -1;
}

int settings_read(struct settings *out, const char *text, const struct limits *maxima, struct arena *arena,
                  struct error *error)
{
    int64_t bounds[LIMITS_BOUNDS] = {0};
    const struct fields_reading reading = {.arena = arena, .error = error, .bounds = bounds, .null_is_absent = true};
    json_t *object = json_parse(text, strlen(text), error);

    *out = (struct settings){.language_name = NULL};
    if (object == NULL)
        return -1;
    if (arena_adopt(arena, object, json_release) != 0)
        return error_memory(error);
    limits_bounds(bounds, maxima);
    return fields_read(&settings_fields, object, &reading, out);
}

static size_t count_variables(const char *const *env)
{
    size_t count = 0;

    while (env != NULL && env[count] != NULL)
        count++;
    return count;
}

static bool has_variable(const char *const *env, const char *variable)
{
    size_t name = strcspn(variable, "=") + 1;

    for (; env != NULL && *env != NULL; env++)
        if (strncmp(*env, variable, name) == 0)
            return true;
    return false;
}

/* The session's variables come first, without those that the request has itself. */
static int apply_environment(struct execution_request *request, const char *const *session)
{
    size_t own = count_variables(request->env), count = 0;

    if (session == NULL)
        return 0;
    const char **merged = arena_alloc(&request->arena, (own + count_variables(session) + 1) * sizeof *merged);
    if (merged == NULL)
        return -1;
    for (; *session != NULL; session++)
        if (!has_variable(request->env, *session))
            merged[count++] = *session;
    for (size_t i = 0; i < own; i++)
        merged[count++] = request->env[i];
    request->env = merged;
    return 0;
}

int settings_apply(struct execution_request *request, const struct settings *settings)
{
    bool same = request->language_name == NULL ||
                (settings->language_name != NULL && strcasecmp(request->language_name, settings->language_name) == 0);

    if (request->language_name == NULL)
        request->language_name = settings->language_name;
    if (request->version_range == NULL && same)
        request->version_range = settings->version_range;
    for (enum limit limit = 0; limit < LIMITS; limit++)
        if (request->overrides.value[limit] == 0)
            request->overrides.value[limit] = settings->overrides.value[limit];
    return apply_environment(request, settings->env);
}
