#include "api/workspace_plan.h"

#include "languages/availability.h"

#include <string.h>

/* The version that a name and a range mean. NULL: it is not offered. */
static struct language_version *version_of(struct api *api, const char *name, const char *range,
                                           struct language **language)
{
    struct language_version *version;
    struct version_range wanted;

    *language = catalog_find(api->languages, name, &version);
    if (*language == NULL || range == NULL)
        return *language != NULL ? version : NULL;
    return version_range_read(&wanted, range) == 0 ? language_choose(*language, &wanted, version->name) : NULL;
}

static struct language *first_language(struct api *api, struct language_version **version)
{
    for (size_t i = 0; i < catalog_count(api->languages); i++) {
        struct language *language = catalog_at(api->languages, i);
        if ((*version = language_default(language)) != NULL)
            return language;
    }
    return NULL;
}

static int plan_language(struct workspace_plan *plan, struct api *api, const struct settings *settings,
                         struct language **language, struct language_version *version, bool *decided,
                         struct error *error)
{
    const char *said = settings->language_name, *name = said != NULL ? said : plan->row.language;

    *decided = *name != '\0';
    if (*decided)
        version = version_of(api, name, said != NULL ? settings->version_range : NULL, language);
    else if (*language == NULL)
        *language = first_language(api, &version);
    plan->version = version;
    return version != NULL ? 0 : error_set(error, ERROR_UNAVAILABLE, "%s", REQUEST_NOT_YET);
}

int workspace_plan_make(struct workspace_plan *out, struct api *api, const struct session *session,
                        const struct settings *settings, struct language *language, struct language_version *version,
                        bool *decided, struct error *error)
{
    *out = (struct workspace_plan){.row = session->workspace};
    workspaces_look(api->workspaces, &out->row);
    if (plan_language(out, api, settings, &language, version, decided, error) != 0)
        return -1;
    out->limits = language->limits;
    return limits_override(&out->limits, &settings->overrides, &api->maxima, error);
}

/* NULL: none. */
static const struct language_version *version_in_image(const struct language *language, const char *image)
{
    for (size_t i = 0; i < language->versions_len; i++)
        if (language->versions[i].offered && strcmp(language->versions[i].kind.image, image) == 0)
            return &language->versions[i];
    return NULL;
}

static json_t *languages_of_image(struct api *api, const char *image)
{
    json_t *list = json_array();

    for (size_t i = 0; i < catalog_count(api->languages); i++) {
        const struct language *language = catalog_at(api->languages, i);
        if (version_in_image(language, image) != NULL)
            json_array_append_new(list, json_string(language->id));
    }
    return list;
}

json_t *workspace_languages(struct api *api, const char *language_name, const char *range)
{
    struct language *language;
    const struct language_version *version = version_of(api, language_name, range, &language);

    return version != NULL ? languages_of_image(api, version->kind.image) : NULL;
}

static int wrong_image(const struct workspace_plan *plan, struct api *api, const struct execution_request *request,
                       struct error *error)
{
    const struct language_version *other = version_in_image(request->language, plan->version->kind.image);
    size_t i;
    json_t *item;

    if (other != NULL)
        return error_set(error, ERROR_INVALID, "version: %s %s is not in the workspace's image, which has %s",
                         request->language->name, request->version->reported, other->reported);
    json_t *list = languages_of_image(api, plan->version->kind.image);
    error_set(error, ERROR_INVALID, "language: %s is not in the workspace's image, which has", request->language->id);
    json_array_foreach (list, i, item) {
        error_set(error, ERROR_INVALID, "%s%s %s", error->text, i > 0 ? "," : "", json_string_value(item));
    }
    json_decref(list);
    return -1;
}

int workspace_plan_check(const struct workspace_plan *plan, struct api *api, const struct execution_request *request,
                         bool decided, struct error *error)
{
    if (decided && strcmp(plan->version->kind.image, request->version->kind.image) != 0)
        return wrong_image(plan, api, request, error);
    if (request->limits.cell.disk_mb != plan->limits.cell.disk_mb)
        return error_set(error, ERROR_INVALID, "limits.disk_mb: the workspace has %u", plan->limits.cell.disk_mb);
    return 0;
}
