#include "base/fields.h"

#include "base/json.h"
#include "base/json_scan.h"
#include "base/text.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_BYTES 256  /* of a place's path in a sentence; what is longer is cut */
#define NAME_QUOTED_MAX 100 /* bytes of a client's own name in a path */

/* Sentences. */

static size_t path_print(const struct field_place *place, char *out, size_t room)
{
    size_t len = place->up != NULL ? path_print(place->up, out, room) : 0;
    int more = 0;

    if (place->up == NULL)
        out[0] = '\0';
    else if (place->name == NULL)
        more = snprintf(out + len, room - len, "[%zu]", place->index);
    else
        more = snprintf(out + len, room - len, "%s%.*s", len > 0 ? "." : "",
                        text_cut_utf8(place->name, NAME_QUOTED_MAX), place->name);
    len += more > 0 ? (size_t)more : 0;
    return len < room ? len : room - 1;
}

int field_wrong(const struct field_place *place, const char *format, ...)
{
    char path[PATH_MAX_BYTES], sentence[256];
    va_list args;

    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    size_t len = path_print(place, path, sizeof path);
    return error_set(place->reading->error, ERROR_INVALID, "%s%s%s", path, len > 0 ? ": " : "", sentence);
}

static int64_t most_of(const struct field *field, const struct fields_reading *reading)
{
    return field->bound != 0 ? reading->bounds[field->bound] : field->most;
}

/* "a, b or c"; `quote` around each. */
static void names_print(char *out, size_t room, const char *const *names, size_t count, const char *quote,
                        const char *last)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count && len < room; i++) {
        const char *before = i == 0 ? "" : i + 1 == count ? last : ", ";
        int more = snprintf(out + len, room - len, "%s%s%s%s", before, quote, names[i], quote);
        len += more > 0 ? (size_t)more : 0;
    }
}

static int choice_wrong(const struct field_place *place, const struct field *field, const char *quote)
{
    char text[192];
    size_t count = 0;

    while (field->choices[count] != NULL)
        count++;
    names_print(text, sizeof text, field->choices, count, quote, " or ");
    return field_wrong(place, "must be %s", text);
}

static int items_wrong(const struct field_place *place, const struct field *field, const char *of)
{
    long long least = field->least, most = most_of(field, place->reading);

    return least > 0 ? field_wrong(place, "must be an array of %lld to %lld %s", least, most, of)
                     : field_wrong(place, "must be an array of at most %lld %s", most, of);
}

static int text_wrong(const struct field_place *place, const struct field *field)
{
    long long least = field->least, most = most_of(field, place->reading);

    if (most > 0 && least > 0)
        return field_wrong(place, "must be a string of %lld to %lld bytes", least, most);
    if (most > 0)
        return field_wrong(place, "must be a string of at most %lld bytes", most);
    return field_wrong(place, least > 0 ? "must be a string that is not empty" : "must be a string without NUL");
}

static int bytes_wrong(const struct field_place *place, const struct field *field)
{
    if (field->least > 0)
        return field_wrong(place, "must be a string that is not empty");
    return field_wrong(place, !field->required && place->reading->null_is_absent ? "must be a string or null"
                                                                                 : "must be a string");
}

static int number_wrong(const struct field_place *place, const struct field *field)
{
    long long least = field->least, most = most_of(field, place->reading);

    return field->type == FIELD_NUMBER
               ? field_wrong(place, "must be a number from %g to %g", (double)least / 1000, (double)most / 1000)
               : field_wrong(place, "must be an integer from %lld to %lld", least, most);
}

static int value_wrong(const struct field_place *place, const struct field *field)
{
    if (field->sentence != NULL)
        return field_wrong(place, "%s", field->sentence);
    switch (field->type) {
    case FIELD_TEXT:
        return text_wrong(place, field);
    case FIELD_BYTES:
        return bytes_wrong(place, field);
    case FIELD_INTEGER:
    case FIELD_NUMBER:
        return number_wrong(place, field);
    case FIELD_BOOLEAN:
        return field_wrong(place, "must be true or false");
    case FIELD_CHOICE:
        return choice_wrong(place, field, "\"");
    case FIELD_TEXTS:
        return items_wrong(place, field, "strings");
    case FIELD_OBJECTS:
        return items_wrong(place, field, "objects");
    case FIELD_VARIABLES:
        return field_wrong(place, "must be an object of strings");
    default:
        return field_wrong(place, "must be an object");
    }
}

/* Values. Each reader writes to `to`, the value's place in the struct. */

static bool is_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

/* By memcpy, because the struct's pointer may be char * or const char *. */
static void text_put(void *to, const char *text)
{
    memcpy(to, &text, sizeof text);
}

static bool is_within(int64_t number, const struct field *field, const struct fields_reading *reading)
{
    int64_t most = most_of(field, reading);

    return number >= field->least && (most == 0 || number <= most);
}

static int read_text(const struct field_place *place, const struct field *field, const json_t *value, void *to)
{
    if (json_is_string(value) && !is_text(value) && field->sentence == NULL && most_of(field, place->reading) == 0)
        return field_wrong(place, "must be a string without NUL");
    if (!is_text(value) || !is_within((int64_t)json_string_length(value), field, place->reading))
        return value_wrong(place, field);
    text_put(to, json_string_value(value));
    return 0;
}

static int read_bytes(const struct field_place *place, const struct field *field, const json_t *value, void *to,
                      size_t *len)
{
    if (!json_is_string(value) || (int64_t)json_string_length(value) < field->least)
        return value_wrong(place, field);
    if (!is_within((int64_t)json_string_length(value), field, place->reading))
        return field_wrong(place, "must be at most %lld bytes", (long long)most_of(field, place->reading));
    text_put(to, json_string_value(value));
    *len = json_string_length(value);
    return 0;
}

static int field_read_number(const struct field_place *place, const struct field *field, const json_t *value,
                             int64_t *to)
{
    double least = (double)field->least, most = (double)most_of(field, place->reading), number;

    if (field->type == FIELD_INTEGER) {
        if (json_as_integer(value, to) != 0 || !is_within(*to, field, place->reading))
            return value_wrong(place, field);
        *to *= field->scale != 0 ? field->scale : 1;
        return 0;
    }
    number = json_is_number(value) ? json_number_value(value) * 1000 : least - 1;
    if (!(number >= least && number <= most))
        return value_wrong(place, field);
    *to = (int64_t)(number + 0.5);
    return 0;
}

static int read_choice(const struct field_place *place, const struct field *field, const json_t *value, int *to)
{
    for (int i = 0; is_text(value) && field->choices[i] != NULL; i++)
        if (strcmp(json_string_value(value), field->choices[i]) == 0) {
            *to = i;
            return 0;
        }
    return value_wrong(place, field);
}

static int read_texts(const struct field_place *place, const struct field *field, const json_t *value, void *to)
{
    size_t count = json_array_size(value), bytes = 0;

    if (!json_is_array(value) || !is_within((int64_t)count, field, place->reading))
        return value_wrong(place, field);
    char **list = arena_alloc(place->reading->arena, (count + 1) * sizeof *list);
    if (list == NULL)
        return error_memory(place->reading->error);
    for (size_t i = 0; i < count; i++) {
        const struct field_place item = {.up = place, .index = i, .reading = place->reading};
        const json_t *text = json_array_get(value, i);
        if (!is_text(text))
            return field_wrong(&item, "must be a string without NUL");
        bytes += json_string_length(text);
        list[i] = (char *)json_string_value(text); /* a list of a struct that owns its texts is not const */
    }
    if (field->total > 0 && bytes > field->total)
        return field_wrong(place, "must be at most %zu bytes in all", field->total);
    memcpy(to, &list, sizeof list); /* the struct's pointer may be char ** or const char ** */
    return 0;
}

static bool is_variable(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    while (isalnum((unsigned char)*name) || *name == '_')
        name++;
    return *name == '\0';
}

static int read_variable(const struct field_place *place, const char *name, const json_t *value, char **to)
{
    const struct field_place item = {.up = place, .name = name, .reading = place->reading};

    if (!is_variable(name))
        return field_wrong(place, "a name must match [A-Za-z_][A-Za-z0-9_]*");
    if (!is_text(value))
        return field_wrong(&item, "must be a string without NUL");
    *to = arena_printf(place->reading->arena, "%s=%s", name, json_string_value(value));
    return *to != NULL ? 0 : error_memory(place->reading->error);
}

static int read_variables(const struct field_place *place, const struct field *field, const json_t *value, void *to)
{
    size_t count = json_object_size(value), n = 0, bytes = 0;
    const char *name;
    json_t *text;

    if (!json_is_object(value))
        return value_wrong(place, field);
    if (!is_within((int64_t)count, field, place->reading))
        return field_wrong(place, "must have at most %lld names", (long long)most_of(field, place->reading));
    char **list = arena_alloc(place->reading->arena, (count + 1) * sizeof *list);
    if (list == NULL)
        return error_memory(place->reading->error);
    json_object_foreach ((json_t *)value, name, text) { /* jansson iterates over a non-const object */
        if (read_variable(place, name, text, &list[n]) != 0)
            return -1;
        bytes += strlen(list[n++]) - 1;
        if (field->total > 0 && bytes > field->total)
            return field_wrong(place, "must be at most %zu bytes in all", field->total);
    }
    memcpy(to, &list, sizeof list);
    return 0;
}

/* "must be an object of path, content and encoding" */
static int object_wrong(const struct field_place *place, const struct fields *fields)
{
    const char *names[16];
    char text[192];
    size_t count = 0;

    for (; count < fields->count && count < sizeof names / sizeof *names; count++)
        names[count] = fields->list[count].name;
    names_print(text, sizeof text, names, count, "", " and ");
    return field_wrong(place, "must be an object of %s", text);
}

static int read_objects(const struct field_place *place, const struct field *field, const json_t *value, void *to,
                        size_t *len)
{
    size_t count = json_array_size(value), size = field->inside->size;

    if (!json_is_array(value) || !is_within((int64_t)count, field, place->reading))
        return value_wrong(place, field);
    char *list = arena_alloc(place->reading->arena, (count + 1) * size);
    if (list == NULL)
        return error_memory(place->reading->error);
    for (size_t i = 0; i < count; i++) {
        const struct field_place item = {.up = place, .index = i, .reading = place->reading};
        const json_t *object = json_array_get(value, i);
        if (!json_is_object(object))
            return object_wrong(&item, field->inside);
        if (fields_read_inside(field->inside, object, &item, list + i * size) != 0)
            return -1;
    }
    memcpy(to, &list, sizeof list);
    *len = count;
    return 0;
}

static int read_object(const struct field_place *place, const struct field *field, const json_t *value, void *to,
                       bool *there)
{
    if (!json_is_object(value))
        return value_wrong(place, field);
    *there = true;
    return fields_read_inside(field->inside, value, place, to);
}

static int read_value(const struct field_place *place, const struct field *field, const json_t *value, void *out)
{
    union {
        const void *pointer;
        int64_t number;
        int choice;
        bool flag;
    } unused;
    size_t unused_len;
    void *to = field->at != FIELD_NOWHERE ? (char *)out + field->at : (char *)&unused;
    size_t *len = field->len_at != 0 ? (size_t *)(void *)((char *)out + field->len_at) : &unused_len;

    switch (field->type) {
    case FIELD_TEXT:
        return read_text(place, field, value, to);
    case FIELD_BYTES:
        return read_bytes(place, field, value, to, len);
    case FIELD_INTEGER:
    case FIELD_NUMBER:
        return field_read_number(place, field, value, to);
    case FIELD_BOOLEAN:
        if (!json_is_boolean(value))
            return value_wrong(place, field);
        *(bool *)to = json_is_true(value);
        return 0;
    case FIELD_CHOICE:
        return read_choice(place, field, value, to);
    case FIELD_TEXTS:
        return read_texts(place, field, value, to);
    case FIELD_VARIABLES:
        return read_variables(place, field, value, to);
    case FIELD_OBJECT:
        return read_object(place, field, value, to, (bool *)(void *)len);
    case FIELD_OBJECTS:
        return read_objects(place, field, value, to, len);
    default:
        *(const json_t **)to = value;
        return 0;
    }
}

/* Objects. */

static bool is_absent(const struct field *field, const json_t *value, const struct fields_reading *reading)
{
    if (value == NULL || (reading->null_is_absent && json_is_null(value)))
        return true;
    return field->empty_is_absent && json_is_string(value) && json_string_length(value) == 0;
}

static int read_field(const struct field_place *up, const struct field *field, const json_t *object, void *out)
{
    const struct field_place place = {.up = up, .name = field->name, .reading = up->reading};
    const json_t *value = json_object_get(object, field->name);

    if (is_absent(field, value, up->reading))
        return field->required ? field_wrong(&place, "is required") : 0;
    if (field->later)
        return field_wrong(&place, "not supported yet");
    if (read_value(&place, field, value, out) != 0)
        return -1;
    return field->check != NULL ? field->check(&place, field, (char *)out + field->at) : 0;
}

static bool is_known(const struct fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->list[i].name, name) == 0)
            return true;
    return fields->also != NULL && is_known(fields->also, name);
}

static int tell_unknown(const struct fields *fields, const json_t *object, const struct field_place *place)
{
    const struct fields_reading *reading = place->reading;
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)object, name, value) { /* jansson iterates over a non-const object */
        const struct field_place member = {.up = place, .name = name, .reading = reading};
        char path[PATH_MAX_BYTES];
        if (is_known(fields, name))
            continue;
        if (reading->unknown == NULL)
            return field_wrong(&member, "unknown field");
        path_print(&member, path, sizeof path);
        if (reading->unknown(reading->arg, path) != 0)
            return error_memory(reading->error);
    }
    return 0;
}

int fields_read_inside(const struct fields *fields, const json_t *object, const struct field_place *place, void *out)
{
    bool strict = place->reading->unknown == NULL;

    if (!json_is_object(object))
        return field_wrong(place, "must be an object");
    if (strict && tell_unknown(fields, object, place) != 0)
        return -1;
    for (size_t i = 0; i < fields->count; i++)
        if (read_field(place, &fields->list[i], object, out) != 0)
            return -1;
    return strict ? 0 : tell_unknown(fields, object, place);
}

int fields_read(const struct fields *fields, const json_t *object, const struct fields_reading *reading, void *out)
{
    const struct field_place top = {.reading = reading};

    return fields_read_inside(fields, object, &top, out);
}

/* Parameters of a URL. */

static int query_integer(const struct field_place *place, const struct field *field, const char *text, int64_t *to)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 18 || text[digits] != '\0')
        return value_wrong(place, field);
    *to = 0;
    for (; *text != '\0'; text++)
        *to = *to * 10 + (*text - '0');
    return is_within(*to, field, place->reading) ? 0 : value_wrong(place, field);
}

static int query_choice(const struct field_place *place, const struct field *field, const char *text, int *to)
{
    for (int i = 0; field->choices[i] != NULL; i++)
        if (strcmp(text, field->choices[i]) == 0) {
            *to = i;
            return 0;
        }
    return choice_wrong(place, field, "");
}

static int query_value(const struct field_place *place, const struct field *field, const char *text, void *to)
{
    if (field->type == FIELD_INTEGER)
        return query_integer(place, field, text, to);
    if (field->type == FIELD_CHOICE)
        return query_choice(place, field, text, to);
    assert(field->type == FIELD_TEXT);
    if (!is_within((int64_t)strlen(text), field, place->reading))
        return value_wrong(place, field);
    text_put(to, text);
    return 0;
}

int fields_read_query(const struct fields *fields, const char *(*value)(const void *from, const char *name),
                      const void *from, const struct fields_reading *reading, void *out)
{
    const struct field_place top = {.reading = reading};

    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->list[i];
        const struct field_place place = {.up = &top, .name = field->name, .reading = reading};
        const char *text = value(from, field->name);
        if (text == NULL)
            continue;
        if (query_value(&place, field, text, (char *)out + field->at) != 0 ||
            (field->check != NULL && field->check(&place, field, (char *)out + field->at) != 0))
            return -1;
    }
    return 0;
}

/* Shapes. */

/* Keeps one item more than is allowed, so that the reader sees that there are too many. */
static size_t shape_most(const struct field *field)
{
    return (size_t)field->most + 1;
}

static const struct json_shape *field_shape(const struct field *field, size_t unknown_most, struct arena *arena,
                                            bool *failed)
{
    struct json_shape *shape = NULL;

    switch (field->type) {
    case FIELD_OBJECT:
        shape = (struct json_shape *)fields_shape(field->inside, unknown_most, arena);
        break;
    case FIELD_TEXTS:
    case FIELD_VARIABLES:
    case FIELD_OBJECTS:
        if ((shape = arena_alloc(arena, sizeof *shape)) == NULL)
            break;
        shape->open = field->type == FIELD_VARIABLES ? '{' : '[';
        shape->most = shape_most(field);
        if (field->type == FIELD_OBJECTS && (shape->item = fields_shape(field->inside, unknown_most, arena)) == NULL)
            shape = NULL;
        break;
    default:
        return NULL;
    }
    *failed |= shape == NULL;
    return shape;
}

const struct json_shape *fields_shape(const struct fields *fields, size_t unknown_most, struct arena *arena)
{
    struct json_shape *shape = arena_alloc(arena, sizeof *shape);
    struct json_shape_member *members = arena_alloc(arena, fields->count * sizeof *members);
    bool failed = shape == NULL || members == NULL;

    for (size_t i = 0; !failed && i < fields->count; i++)
        members[i] = (struct json_shape_member){.name = fields->list[i].name,
                                                .shape = field_shape(&fields->list[i], unknown_most, arena, &failed)};
    if (failed)
        return NULL;
    *shape = (struct json_shape){
        .open = '{', .members = members, .members_len = fields->count, .most = unknown_most, .names_only = true};
    return shape;
}
