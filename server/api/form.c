#include "api/form.h"

#include "base/json.h"

#include <string.h>
#include <strings.h>

int form_check_type(const struct http_exchange *ex, struct error *error)
{
    static const char json[] = "application/json";
    const char *type = http_header(ex, "content-type");
    size_t len = type != NULL ? strcspn(type, "; \t") : 0;

    if (len == sizeof json - 1 && strncasecmp(type, json, len) == 0)
        return 0;
    return error_set(error, ERROR_MEDIA_TYPE, "Content-Type must be application/json");
}

static json_t *form_parse(const struct http_exchange *ex, struct error *error)
{
    size_t len;
    const char *text = http_body(ex, &len);

    if (len == 0)
        return json_object();
    return form_check_type(ex, error) == 0 ? json_parse(text, len, error) : NULL;
}

static int warn_of_unknown(void *arg, const char *path)
{
    struct form *form = arg;

    if (json_array_size(form->warnings) == FORM_WARNINGS_MAX)
        return 0;
    return json_array_append_new(form->warnings, json_sprintf("unknown field: %s", path));
}

int form_read(struct form *form, const struct http_exchange *ex, const struct fields *fields, void *out,
              struct error *error)
{
    return form_read_bounded(form, ex, fields, NULL, out, error);
}

int form_read_bounded(struct form *form, const struct http_exchange *ex, const struct fields *fields,
                      const int64_t *bounds, void *out, struct error *error)
{
    const struct fields_reading reading = {.arena = &form->arena,
                                           .error = error,
                                           .bounds = bounds,
                                           .null_is_absent = true,
                                           .unknown = warn_of_unknown,
                                           .arg = form};

    *form = (struct form){.warnings = json_array()};
    error_memory(error); /* unless json_parse() says more */
    form->object = form_parse(ex, error);
    if (form->object == NULL || form->warnings == NULL)
        return -1;
    if (!json_is_object(form->object))
        return error_set(error, ERROR_INVALID, "the body must be a JSON object");
    return fields_read(fields, form->object, &reading, out);
}

void form_free(struct form *form)
{
    json_decref(form->object);
    json_decref(form->warnings);
    arena_free(&form->arena);
    *form = (struct form){.object = NULL};
}

bool form_says_null(const struct form *form, const char *name)
{
    return json_is_null(json_object_get(form->object, name));
}

json_t *form_take_warnings(struct form *form)
{
    json_t *warnings = form->warnings;

    form->warnings = NULL;
    return warnings;
}
