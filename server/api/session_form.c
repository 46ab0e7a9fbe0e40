#include "api/session_form.h"

#include "api/api.h"

#include <ctype.h>
#include <string.h>

#define SESSION_TTL_LEAST 60
#define SESSION_TTL_MOST 604800

_Static_assert(SESSION_ID_MAX == 128, "as SESSION_ID_SENTENCE says");

int session_id_check(const struct field_place *place, const struct field *field, const void *value)
{
    const char *text = *(const char *const *)value;

    if (isalnum((unsigned char)*text) &&
        text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-")] == '\0')
        return 0;
    return field_wrong(place, "%s", field->sentence);
}

#define TTL_FIELD(unsaid)                                                                                   \
    {                                                                                                       \
        .name = "ttl_seconds", .type = FIELD_INTEGER, .least = SESSION_TTL_LEAST, .most = SESSION_TTL_MOST, \
        .scale = 1000, .at = offsetof(struct session_form, ttl_ms), .fallback = (unsaid),                   \
        .meaning = "seconds that it lives after each use"                                                   \
    }

static const struct field create_list[] = {
    {.name = "session_id",
     .type = FIELD_TEXT,
     .least = 1,
     .most = SESSION_ID_MAX,
     .sentence = SESSION_ID_SENTENCE,
     .check = session_id_check,
     .at = offsetof(struct session_form, session_id),
     .meaning = "its name; without one the server makes it up",
     .schema = SESSION_ID_SCHEMA},
    TTL_FIELD("3600"),
    {.name = "workspace",
     .type = FIELD_BOOLEAN,
     .at = offsetof(struct session_form, workspace),
     .fallback = "false",
     .meaning = "its executions share one folder"},
    {.name = "durable",
     .type = FIELD_BOOLEAN,
     .at = offsetof(struct session_form, durable),
     .fallback = "false",
     .meaning = "the folder is saved before each answer"},
    SETTINGS_LANGUAGE(struct session_form, settings., false),
    SETTINGS_VERSION(struct session_form, settings.),
    SETTINGS_LIMITS(struct session_form, settings.),
    SETTINGS_ENVIRONMENT(struct session_form, settings.),
};
const struct fields session_create_fields = FIELDS(create_list, sizeof(struct session_form));

static const struct field change_list[] = {TTL_FIELD(NULL)};
const struct fields session_change_fields = FIELDS(change_list, sizeof(struct session_form));

/* A language that is not known yet may have the version later, so its first execution tells. */
static int check_version(struct api *api, const struct settings *settings, struct error *error)
{
    struct language_version *version;
    struct language *language =
        settings->language_name != NULL ? catalog_find(api->languages, settings->language_name, &version) : NULL;

    if (language == NULL || request_choose_version(language, settings->version_range, version, error) != NULL)
        return 0;
    return error->code == ERROR_INVALID ? -1 : 0;
}

int session_form_read(struct form *form, const struct http_exchange *ex, const struct fields *fields,
                      struct session_form *out, struct error *error)
{
    int64_t bounds[LIMITS_BOUNDS] = {0};

    *out = (struct session_form){.session_id = NULL};
    limits_bounds(bounds, &api_of(ex)->maxima);
    if (form_read_bounded(form, ex, fields, bounds, out, error) != 0)
        return -1;
    if (out->durable && !out->workspace)
        return error_set(error, ERROR_INVALID, "durable: only with workspace");
    return check_version(api_of(ex), &out->settings, error);
}
