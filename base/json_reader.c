#include "base/json_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int reader_fail(const struct reader *in, const char *name, const char *what)
{
    error_set(in->error, ERROR_INVALID, "%s%s: %s", in->prefix, name, what);
    return -1;
}

int reader_known(const struct reader *in, const char *const *known)
{
    json_t *source = (json_t *)in->object, *value; /* jansson iterates over a non-const object */
    const char *name;

    json_object_foreach (source, name, value) {
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], name) != 0)
            i++;
        if (known[i] == NULL)
            return reader_fail(in, name, "unknown field");
    }
    return 0;
}

int reader_enter(const struct reader *in, const char *name, bool required, const char *const *known,
                 struct reader *inside)
{
    const json_t *object = json_object_get(in->object, name);

    if (object == NULL)
        return required ? reader_fail(in, name, "missing") : 1;
    if (!json_is_object(object))
        return reader_fail(in, name, "must be an object");
    *inside = (struct reader){.object = object, .error = in->error};
    int len = snprintf(inside->prefix, sizeof inside->prefix, "%s%s.", in->prefix, name);
    if (len < 0 || (size_t)len >= sizeof inside->prefix)
        return reader_fail(in, name, "is nested too deeply");
    return reader_known(inside, known);
}

bool reader_is_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

int reader_text(const struct reader *in, const char *name, bool required, char **out)
{
    const json_t *value = json_object_get(in->object, name);

    if (value == NULL)
        return required ? reader_fail(in, name, "missing") : 0;
    if (!reader_is_text(value))
        return reader_fail(in, name, "must be a string without NUL");
    *out = strdup(json_string_value(value));
    return *out == NULL ? reader_fail(in, name, "out of memory") : 0;
}

int reader_name(const struct reader *in, const char *name, bool required, char **out)
{
    if (reader_text(in, name, required, out) != 0)
        return -1;
    return *out != NULL && **out == '\0' ? reader_fail(in, name, "must not be empty") : 0;
}

int reader_strings(const struct reader *in, const char *name, char ***out)
{
    const json_t *array = json_object_get(in->object, name);
    size_t count = json_array_size(array);

    if (array == NULL)
        return reader_fail(in, name, "missing");
    if (count == 0 || count > READER_STRINGS_MAX)
        return reader_fail(in, name, "must be an array of 1 to 128 strings");
    char **strings = *out = calloc(count + 1, sizeof *strings);
    for (size_t i = 0; strings != NULL && i < count; i++) {
        const json_t *value = json_array_get(array, i);
        if (!reader_is_text(value))
            return reader_fail(in, name, "must be an array of 1 to 128 strings");
        if ((strings[i] = strdup(json_string_value(value))) == NULL)
            return reader_fail(in, name, "out of memory");
    }
    return strings == NULL ? reader_fail(in, name, "out of memory") : 0;
}

int reader_argv(const struct reader *in, char ***out)
{
    if (reader_strings(in, "argv", out) != 0)
        return -1;
    return **out[0] == '\0' ? reader_fail(in, "argv", "must begin with a program") : 0;
}

int reader_command(const struct reader *in, const char *name, bool required, char ***out)
{
    struct reader inside;
    int found = reader_enter(in, name, required, (const char *const[]){"argv", NULL}, &inside);

    if (found != 0)
        return found < 0 ? -1 : 0;
    return reader_argv(&inside, out);
}

void strings_free(char **strings)
{
    for (char **string = strings; string != NULL && *string != NULL; string++)
        free(*string);
    free(strings);
}
