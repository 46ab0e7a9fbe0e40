#include "run/languages.h"

#include "base/buf.h"
#include "run/language_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct languages {
    size_t count;
    struct language *items[LANGUAGES_MAX]; /* in order of id */
};

/* One languages_load. */
struct loading {
    struct languages *languages;
    const struct limits *defaults, *maxima;
    void (*complain)(const char *sentence, void *arg);
    void *arg;
};

static bool is_named(const struct language *language, const char *name)
{
    if (strcasecmp(language->id, name) == 0)
        return true;
    for (char **alias = language->aliases; *alias != NULL; alias++)
        if (strcasecmp(*alias, name) == 0)
            return true;
    return false;
}

static const struct language *owner_of(const struct languages *languages, const char *name)
{
    for (size_t i = 0; i < languages->count; i++)
        if (is_named(languages->items[i], name))
            return languages->items[i];
    return NULL;
}

/* Whoever came first keeps a name: a program that asks for it must not get another language after a folder was added.
 */
static int check_names(const struct languages *languages, const struct language *language, struct error *error)
{
    const struct language *owner = owner_of(languages, language->id);
    if (owner != NULL)
        return error_set(error, ERROR_CONFLICT, "id: %s is taken by the language %s", language->id, owner->id);
    for (char **alias = language->aliases; *alias != NULL; alias++)
        if ((owner = owner_of(languages, *alias)) != NULL)
            return error_set(error, ERROR_CONFLICT, "aliases: %s is taken by the language %s", *alias, owner->id);
    return 0;
}

static int add(struct languages *languages, struct language *language, struct error *error)
{
    if (check_names(languages, language, error) != 0)
        return -1;
    if (languages->count == LANGUAGES_MAX)
        return error_set(error, ERROR_INVALID, "there are already %d languages", LANGUAGES_MAX);
    languages->items[languages->count++] = language;
    return 0;
}

/* 0 with the text in `out`, 1 where there is no such file, -1 with a sentence. */
static int read_file(const char *path, struct buf *out, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT || errno == ENOTDIR ? 1 : error_set(error, ERROR_INVALID, "%s", strerror(errno));
    char chunk[4096];
    size_t got;
    int failed = 0;
    while (failed == 0 && (got = fread(chunk, 1, sizeof chunk, file)) > 0)
        if (buf_append(out, chunk, got) != 0)
            failed = error_set(error, ERROR_INVALID, "is larger than %zu bytes", LANGUAGE_FILE_MAX);
    if (failed == 0 && ferror(file))
        failed = error_set(error, ERROR_INVALID, "cannot be read");
    fclose(file);
    return failed;
}

/* A folder of a language; one without language.json is something else (a base image). */
static void load_one(const struct loading *loading, const char *folder, const char *id)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s/language.json", folder, id);
    if (len < 0 || (size_t)len >= sizeof path)
        return;
    struct error error = {.code = ERROR_NONE};
    struct buf text;
    buf_init(&text, LANGUAGE_FILE_MAX);
    int found = read_file(path, &text, &error);
    struct language *language = NULL;
    if (found == 0)
        language =
            language_read(text.data != NULL ? text.data : "", text.len, id, loading->defaults, loading->maxima, &error);
    buf_free(&text);
    if (found == 1 || (language != NULL && add(loading->languages, language, &error) == 0))
        return;
    language_free(language);
    error_wrap(&error, "%s", path);
    loading->complain(error.text, loading->arg);
}

static int is_folder_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int load_folder(const struct loading *loading, const char *folder, struct error *error)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_folder_name, alphasort);
    if (count < 0)
        return error_set(error, ERROR_INVALID, "%s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        load_one(loading, folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct language *const *left = a, *const *right = b;
    return strcmp((*left)->id, (*right)->id);
}

/* `path` is cut at its colons. */
static int load_folders(const struct loading *loading, char *path, struct error *error)
{
    const char *folder;
    while ((folder = strsep(&path, ":")) != NULL)
        if (*folder != '\0' && load_folder(loading, folder, error) != 0)
            return -1;
    return 0;
}

int languages_load(struct languages **out, const char *path, const struct limits *defaults, const struct limits *maxima,
                   void (*complain)(const char *sentence, void *arg), void *arg, struct error *error)
{
    struct languages *languages = calloc(1, sizeof *languages);
    char *folders = strdup(path);
    int failed = -1;
    if (languages == NULL || folders == NULL)
        error_set(error, ERROR_INTERNAL, "out of memory");
    else
        failed = load_folders(&(struct loading){languages, defaults, maxima, complain, arg}, folders, error);
    free(folders);
    if (failed != 0) {
        languages_free(languages);
        return -1;
    }
    qsort(languages->items, languages->count, sizeof(struct language *), by_id);
    *out = languages;
    return 0;
}

void languages_free(struct languages *languages)
{
    if (languages == NULL)
        return;
    for (size_t i = 0; i < languages->count; i++)
        language_free(languages->items[i]);
    free(languages);
}

void languages_start_late(struct languages *languages)
{
    for (size_t i = 0; i < languages->count; i++)
        languages->items[i]->kind.waiting_env = languages->items[i]->kind.waiting_argv = NULL;
}

size_t languages_count(const struct languages *languages)
{
    return languages->count;
}

struct language *languages_at(struct languages *languages, size_t i)
{
    return languages->items[i];
}

struct language *languages_find(struct languages *languages, const char *name)
{
    for (size_t i = 0; i < languages->count; i++)
        if (languages->items[i]->offered && is_named(languages->items[i], name))
            return languages->items[i];
    return NULL;
}

bool languages_expected(struct languages *languages, const char *name)
{
    for (size_t i = 0; i < languages->count; i++)
        if (is_named(languages->items[i], name))
            return !languages->items[i]->offered && languages->items[i]->left_out == NULL;
    return false;
}

/* The length of the number at `text`: digits, with '.' only between two of them. */
static size_t number_at(const char *text, bool *dotted)
{
    size_t len = 0;
    *dotted = false;
    while (isdigit((unsigned char)text[len]) || (len > 0 && text[len] == '.' && isdigit((unsigned char)text[len + 1])))
        *dotted |= text[len++] == '.';
    return len;
}

int language_version_in(const char *text, char *out, size_t room)
{
    const char *found = NULL;
    size_t found_len = 0;
    while (*text != '\0') {
        bool dotted;
        size_t len = number_at(text, &dotted);
        if (dotted || (len > 0 && found == NULL)) {
            found = text;
            found_len = len;
        }
        if (dotted)
            break;
        text += len > 0 ? len : 1;
    }
    if (found == NULL || found_len >= room)
        return -1;
    memcpy(out, found, found_len);
    out[found_len] = '\0';
    return 0;
}

static json_t *strings_json(char *const *strings)
{
    json_t *array = json_array();
    for (; *strings != NULL; strings++)
        json_array_append_new(array, json_string(*strings));
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

json_t *language_json(const struct language *language)
{
    json_t *versions = json_array();
    if (language->version != NULL)
        json_array_append_new(versions, json_string(language->version));
    json_t *object = json_object();
    json_object_set_new(object, "id", json_string(language->id));
    json_object_set_new(object, "name", json_string(language->name));
    json_object_set_new(object, "version", language->version != NULL ? json_string(language->version) : json_null());
    json_object_set_new(object, "versions", versions);
    json_object_set_new(object, "aliases", strings_json(language->aliases));
    json_object_set_new(object, "file", json_string(language->file));
    json_object_set_new(object, "compiled", json_boolean(language->compile != NULL));
    json_object_set_new(object, "packages",
                        language->packages != NULL ? json_deep_copy(language->packages) : json_array());
    json_object_set_new(object, "limits", limits_json(&language->limits));
    json_object_set_new(object, "example", example_json(language));
    return object;
}
