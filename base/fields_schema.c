#include "base/fields_schema.h"

#include <string.h>

static int64_t schema_most(const struct field *field, const int64_t *bounds)
{
    return field->bound != 0 ? bounds[field->bound] : field->most;
}

/* How the two bounds of a type are called; a `least` of NULL: it has none. */
struct schema_kind {
    const char *type, *least, *most;
};

static const struct schema_kind schema_kinds[] = {
    [FIELD_TEXT] = {"string", "minLength", "maxLength"},
    [FIELD_BYTES] = {"string", "minLength", "maxLength"},
    [FIELD_INTEGER] = {"integer", "minimum", "maximum"},
    [FIELD_NUMBER] = {"number", "minimum", "maximum"},
    [FIELD_BOOLEAN] = {"boolean", NULL, NULL},
    [FIELD_CHOICE] = {"string", NULL, NULL},
    [FIELD_TEXTS] = {"array", "minItems", "maxItems"},
    [FIELD_VARIABLES] = {"object", "minProperties", "maxProperties"},
    [FIELD_OBJECT] = {"object", NULL, NULL},
    [FIELD_OBJECTS] = {"array", "minItems", "maxItems"},
    [FIELD_ANY] = {NULL, NULL, NULL},
};

static json_t *schema_number(const struct field *field, int64_t value)
{
    return field->type == FIELD_NUMBER ? json_real((double)value / 1000) : json_integer(value);
}

static void add_bounds(json_t *schema, const struct field *field, const int64_t *bounds)
{
    const struct schema_kind *kind = &schema_kinds[field->type];
    int64_t most = schema_most(field, bounds);

    if (kind->least == NULL)
        return;
    if (field->least != 0)
        json_object_set_new(schema, kind->least, schema_number(field, field->least));
    if (most != 0)
        json_object_set_new(schema, kind->most, schema_number(field, most));
}

static json_t *schema_choices(const struct field *field)
{
    json_t *list = json_array();

    for (const char *const *choice = field->choices; *choice != NULL; choice++)
        json_array_append_new(list, json_string(*choice));
    return list;
}

/* A fallback of null says that the field may be left out, which the schema says already. */
static void add_words(json_t *schema, const struct field *field)
{
    json_t *value = field->fallback != NULL ? json_loads(field->fallback, JSON_DECODE_ANY, NULL) : NULL;

    if (field->meaning != NULL)
        json_object_set_new(schema, "description", json_string(field->meaning));
    if (value != NULL && !json_is_null(value))
        json_object_set(schema, "default", value);
    json_decref(value);
}

static json_t *field_schema(const struct field *field, const int64_t *bounds)
{
    json_t *schema = field->type == FIELD_OBJECT ? fields_schema(field->inside, bounds) : json_object();

    if (schema_kinds[field->type].type != NULL)
        json_object_set_new(schema, "type", json_string(schema_kinds[field->type].type));
    add_words(schema, field);
    add_bounds(schema, field, bounds);
    if (field->type == FIELD_CHOICE)
        json_object_set_new(schema, "enum", schema_choices(field));
    if (field->type == FIELD_TEXTS)
        json_object_set_new(schema, "items", json_pack("{s:s}", "type", "string"));
    if (field->type == FIELD_VARIABLES)
        json_object_set_new(schema, "additionalProperties", json_pack("{s:s}", "type", "string"));
    if (field->type == FIELD_OBJECTS)
        json_object_set_new(schema, "items", fields_schema(field->inside, bounds));
    return schema;
}

json_t *fields_schema(const struct fields *fields, const int64_t *bounds)
{
    json_t *schema = json_pack("{s:s}", "type", "object"), *properties = json_object(), *required = json_array();

    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->list[i];
        if (field->later)
            continue;
        json_object_set_new(properties, field->name, field_schema(field, bounds));
        if (field->required)
            json_array_append_new(required, json_string(field->name));
    }
    json_object_set_new(schema, "properties", properties);
    if (json_array_size(required) > 0)
        json_object_set(schema, "required", required);
    json_decref(required);
    return schema;
}
