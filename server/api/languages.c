#include "api/languages.h"

#include "api/answers.h"
#include "api/api.h"

/* Each language that can run now, as `shape` makes it. A new reference. */
static json_t *each_offered(struct catalog *languages, json_t *(*shape)(const struct language *language))
{
    json_t *array = json_array();
    for (size_t i = 0; i < catalog_count(languages); i++) {
        const struct language *language = catalog_at(languages, i);
        if (language_default(language) != NULL)
            json_array_append_new(array, shape(language));
    }
    return array;
}

static json_t *id_json(const struct language *language)
{
    return json_string(language->id);
}

void api_languages_list(struct http_exchange *ex)
{
    api_respond(ex, 200, json_pack("{so}", "languages", each_offered(api_of(ex)->languages, language_json)));
}

void api_languages_ids(struct http_exchange *ex)
{
    api_respond(ex, 200, each_offered(api_of(ex)->languages, id_json));
}

void api_languages_get(struct http_exchange *ex)
{
    struct language_version *version;
    const struct language *language = catalog_find(api_of(ex)->languages, http_param(ex, "id"), &version);
    if (language != NULL) {
        api_respond(ex, 200, language_json(language));
        return;
    }
    struct error error;
    error_set(&error, ERROR_NOT_FOUND, "Language not found");
    api_respond_error(ex, &error);
}
