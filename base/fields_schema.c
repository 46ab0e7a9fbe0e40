#include "base/fields_schema.h"

#include <string.h>

static int64_t schema_most(const struct field *field, const struct fields_schema_way *way)
{
    return field->bound != 0 ? way->bounds[field->bound] : field->most;
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

static void add_bounds(json_t *schema, const struct field *field, const struct fields_schema_way *way)
{
    const struct schema_kind *kind = &schema_kinds[field->type];
    int64_t most = schema_most(field, way);

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

static bool may_be_null(const struct field *field, const struct fields_schema_way *way)
{
    return field->nullable || (way->nulls && !field->required);
}

static void add_type(json_t *schema, const struct field *field, const struct fields_schema_way *way)
{
    const char *type = schema_kinds[field->type].type;

    if (type == NULL)
        return;
    json_object_set_new(schema, "type",
                        may_be_null(field, way) ? json_pack("[s, s]", type, "null") : json_string(type));
}

static void add_choices(json_t *schema, const struct field *field, const struct fields_schema_way *way)
{
    json_t *list = schema_choices(field);

    if (may_be_null(field, way))
        json_array_append_new(list, json_null());
    json_object_set_new(schema, "enum", list);
}

static void add_further(json_t *schema, const struct field *field)
{
    json_t *further = field->schema != NULL ? json_loads(field->schema, 0, NULL) : NULL;

    if (further != NULL)
        json_object_update(schema, further);
    json_decref(further);
}

json_t *fields_schema_of(const struct field *field, const struct fields_schema_way *way)
{
    json_t *schema = field->type == FIELD_OBJECT ? fields_schema(field->inside, way) : json_object();

    add_type(schema, field, way);
    add_words(schema, field);
    add_bounds(schema, field, way);
    if (field->type == FIELD_CHOICE)
        add_choices(schema, field, way);
    if (field->type == FIELD_TEXTS)
        json_object_set_new(schema, "items", json_pack("{s:s}", "type", "string"));
    if (field->type == FIELD_VARIABLES)
        json_object_set_new(schema, "additionalProperties", json_pack("{s:s}", "type", "string"));
    if (field->type == FIELD_OBJECTS)
        json_object_set_new(schema, "items", fields_schema(field->inside, way));
    add_further(schema, field);
    return schema;
}

static bool is_taken(const struct field *field, const struct fields_schema_way *way)
{
    if (!field->elsewhere)
        return !field->later;
    for (const char *const *name = way->elsewhere; name != NULL && *name != NULL; name++)
        if (strcmp(*name, field->name) == 0)
            return true;
    return false;
}

json_t *fields_schema(const struct fields *fields, const struct fields_schema_way *way)
{
    json_t *schema = json_pack("{s:s}", "type", "object"), *properties = json_object(), *required = json_array();

    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->list[i];
        if (!is_taken(field, way))
            continue;
        json_object_set_new(properties, field->name, fields_schema_of(field, way));
        if (field->required)
            json_array_append_new(required, json_string(field->name));
    }
    json_object_set_new(schema, "properties", properties);
    if (json_array_size(required) > 0)
        json_object_set(schema, "required", required);
    json_decref(required);
    return schema;
}
