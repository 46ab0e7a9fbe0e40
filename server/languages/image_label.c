#include "languages/image_label.h"

#include "base/json.h"
#include "docker/engine/codec_read.h"

#include <stdio.h>
#include <string.h>

/* Whether two lists are equal. An engine leaves empty lists out, so NULL is an empty list. */
static bool same_list(const json_t *a, const json_t *b)
{
    return json_array_size(a) == 0 ? json_array_size(b) == 0 : json_equal(a, b);
}

json_t *image_label_read(const struct image_info *image)
{
    const char *text = json_string_value(json_object_get(image->labels, IMAGE_LABEL));
    size_t len = text != NULL ? strlen(text) : 0;
    json_t *label = len > 0 && len <= IMAGE_LABEL_MAX ? json_parse(text, len, NULL) : NULL;

    if (label != NULL && same_list(json_object_get(label, "layers"), image->layers) &&
        same_list(json_object_get(label, "env"), image->env))
        return label;
    json_decref(label);
    return NULL;
}

static bool same_command(const json_t *array, char *const *argv)
{
    size_t i = 0;

    while (argv[i] != NULL && i < json_array_size(array)) {
        const char *word = json_string_value(json_array_get(array, i));
        if (word == NULL || strcmp(word, argv[i]) != 0)
            return false;
        i++;
    }
    return argv[i] == NULL && i == json_array_size(array);
}

/* Whether the object has the name before '=' with the value after it. */
static bool has_variable(const json_t *object, const char *variable)
{
    const char *value = strchr(variable, '=') + 1, *name;
    json_t *other;

    json_object_foreach ((json_t *)object, name, other) {
        if (strlen(name) + 1 == (size_t)(value - variable) && strncmp(name, variable, strlen(name)) == 0)
            return json_is_string(other) && strcmp(json_string_value(other), value) == 0;
    }
    return false;
}

static bool same_environment(const json_t *object, char *const *env)
{
    size_t count = 0;

    for (; env[count] != NULL; count++)
        if (!has_variable(object, env[count]))
            return false;
    return count == json_object_size(object);
}

const char *image_label_output(const json_t *label, char *const *argv, char *const *env)
{
    size_t i;
    json_t *answer;

    json_array_foreach (json_object_get(label, "answers"), i, answer) {
        if (same_command(json_object_get(answer, "argv"), argv) &&
            same_environment(json_object_get(answer, "env"), env))
            return json_string_value(json_object_get(answer, "output"));
    }
    return NULL;
}

json_t *image_label_packages(const char *text)
{
    json_t *packages = json_array();

    while (*text != '\0' && json_array_size(packages) < IMAGE_LABEL_PACKAGES_MAX) {
        char line[201], name[101], version[65];
        size_t len = strcspn(text, "\n");

        snprintf(line, sizeof line, "%.*s", len < sizeof line ? (int)len : (int)sizeof line - 1, text);
        if (sscanf(line, "%100s %64s", name, version) == 2)
            json_array_append_new(packages, json_pack("{s:s, s:s}", "name", name, "version", version));
        text += len + (text[len] != '\0');
    }
    return packages;
}
