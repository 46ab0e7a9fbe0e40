/* One language: which of its versions can run, which one a request means, and its description for clients. */
#include "languages/language.h"

#include <stdlib.h>
#include <string.h>

/* Versions without a name come first. Of one name the newest comes first. */
static int by_preference(const void *a, const void *b)
{
    const struct language_version *const *left = a, *const *right = b;
    const char *name = (*left)->name, *other = (*right)->name;

    if (name == NULL || other == NULL ? name != other : strcmp(name, other) != 0)
        return name == NULL ? -1 : other == NULL ? 1 : strcmp(name, other);
    return version_compare((*right)->number, (*left)->number);
}

/* Drops each version that reports the same as the one before it, because it would never be chosen. */
static size_t each_once(struct language_version **versions, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (kept == 0 || strcmp(versions[kept - 1]->reported, versions[i]->reported) != 0)
            versions[kept++] = versions[i];
    return kept;
}

size_t language_versions(const struct language *language, struct language_version *out[LANGUAGE_VERSIONS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < language->versions_len; i++)
        if (language->versions[i].offered)
            out[count++] = &language->versions[i];
    if (count > 1)
        qsort(out, count, sizeof(struct language_version *), by_preference);
    return each_once(out, count);
}

struct language_version *language_default(const struct language *language)
{
    struct language_version *versions[LANGUAGE_VERSIONS_MAX];

    return language_versions(language, versions) > 0 ? versions[0] : NULL;
}

static const char *text_of(const char *name)
{
    return name != NULL ? name : "";
}

struct language_version *language_choose(const struct language *language, const struct version_range *range,
                                         const char *default_name)
{
    struct language_version *versions[LANGUAGE_VERSIONS_MAX];
    size_t count = language_versions(language, versions);
    const char *name = *range->name != '\0' ? range->name : text_of(default_name);

    for (size_t i = 0; i < count; i++)
        if (strcmp(text_of(versions[i]->name), name) == 0 && version_fits(range, versions[i]->number))
            return versions[i];
    return NULL;
}

bool language_asked(const struct language *language)
{
    for (size_t i = 0; i < language->versions_len; i++)
        if (!language->versions[i].offered && language->versions[i].left_out == NULL)
            return false;
    return true;
}

/* Its description. */

static void json_append_strings(json_t *array, char *const *strings)
{
    for (; *strings != NULL; strings++)
        json_array_append_new(array, json_string(*strings));
}

/* Only versions that are offered have names. */
static json_t *aliases_json(const struct language *language)
{
    json_t *array = json_array();

    json_append_strings(array, language->aliases);
    for (size_t i = 0; i < language->versions_len; i++)
        if (language->versions[i].offered)
            json_append_strings(array, language->versions[i].aliases);
    return array;
}

static json_t *versions_json(const struct language *language)
{
    struct language_version *versions[LANGUAGE_VERSIONS_MAX];
    size_t count = language_versions(language, versions);
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(versions[i]->reported));
    return array;
}

static json_t *example_json(const struct language *language)
{
    json_t *example = json_object();

    json_object_set_new(example, "code", json_string(language->example_code));
    if (language->example_stdin != NULL)
        json_object_set_new(example, "stdin", json_string(language->example_stdin));
    json_object_set_new(example, "stdout", json_string(language->example_stdout));
    return example;
}

static const struct field package_list[] = {
    FIELD_OUT("name", FIELD_TEXT, NULL),
    FIELD_OUT("version", FIELD_TEXT, NULL),
};
static const struct fields package_fields = FIELDS(package_list, 0);

static const struct field shown_limits_list[] = {
    FIELD_OUT("cpu", FIELD_NUMBER, "processors"),
    FIELD_OUT("memory_mb", FIELD_INTEGER, NULL),
    FIELD_OUT("disk_mb", FIELD_INTEGER, NULL),
    FIELD_OUT("processes", FIELD_INTEGER, "processes and threads at once"),
    FIELD_OUT("output_kb", FIELD_INTEGER, "of each stream"),
};
static const struct fields shown_limits_fields = FIELDS(shown_limits_list, 0);

static const struct field example_list[] = {
    FIELD_OUT("code", FIELD_TEXT, NULL),
    FIELD_OUT_MAYBE("stdin", FIELD_TEXT, NULL),
    FIELD_OUT("stdout", FIELD_TEXT, "what it prints; it ends with exit code 0"),
};
static const struct fields example_fields = FIELDS(example_list, 0);

static const struct field language_list[] = {
    FIELD_OUT("id", FIELD_TEXT, NULL),
    FIELD_OUT("name", FIELD_TEXT, "for people"),
    FIELD_OUT("version", FIELD_TEXT, "the default version", .nullable = true),
    FIELD_OUT("versions", FIELD_TEXTS, "those that can run, the default version first"),
    FIELD_OUT("aliases", FIELD_TEXTS, "other names for it, or for a version of it"),
    FIELD_OUT("file", FIELD_TEXT, "the file that the code is written to"),
    FIELD_OUT("compiled", FIELD_BOOLEAN, "it has a compile step"),
    FIELD_OUT("packages", FIELD_OBJECTS, "of the default version", .inside = &package_fields),
    FIELD_OUT("limits", FIELD_OBJECT, "which a request can change", .inside = &shown_limits_fields),
    FIELD_OUT("least_limits", FIELD_OBJECT, "what a program of one line needs", .inside = &shown_limits_fields),
    FIELD_OUT("example", FIELD_OBJECT, "a program", .inside = &example_fields),
};
const struct fields language_fields = FIELDS(language_list, 0);

json_t *language_json(const struct language *language)
{
    const struct language_version *version = language_default(language),
                                  *shown = version != NULL ? version : language->versions;
    json_t *object = json_object();

    json_object_set_new(object, "id", json_string(language->id));
    json_object_set_new(object, "name", json_string(language->name));
    json_object_set_new(object, "version", version != NULL ? json_string(version->reported) : json_null());
    json_object_set_new(object, "versions", versions_json(language));
    json_object_set_new(object, "aliases", aliases_json(language));
    json_object_set_new(object, "file", json_string(language->file));
    json_object_set_new(object, "compiled", json_boolean(shown->compile));
    json_object_set_new(object, "packages",
                        version != NULL && version->packages != NULL ? json_deep_copy(version->packages)
                                                                     : json_array());
    json_object_set_new(object, "limits", limits_json(&language->limits));
    json_object_set_new(object, "least_limits", limits_json(&shown->least));
    json_object_set_new(object, "example", example_json(language));
    return object;
}
