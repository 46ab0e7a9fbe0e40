#include "languages/catalog.h"

#include "base/buf.h"
#include "languages/language_file.h"
#include "languages/name_table.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct catalog {
    size_t count, versions;
    struct language *items[LANGUAGES_MAX]; /* in order of id */
    struct name_table names;
    char *evaluators, *kernels; /* every language's; NULL: none */
};

/* One catalog_load. */
struct loading {
    struct catalog *languages;
    const struct limits *defaults, *maxima;
    void (*complain)(const char *sentence, void *arg);
    void *arg;
};

/* The first language with a name keeps it: a program that uses the name must not get another language after a folder
 * was added. */
static int catalog_add(struct catalog *languages, struct language *language, struct error *error)
{
    if (languages->versions + language->versions_len > LANGUAGES_MAX)
        return error_set(error, ERROR_INVALID, "no more than %d languages fit, each version counted", LANGUAGES_MAX);
    if (name_table_add(&languages->names, language, error) != 0)
        return -1;
    languages->versions += language->versions_len;
    languages->items[languages->count++] = language;
    return 0;
}

/* 0 with the text in `out`; 1: there is no such file; -1 with a sentence. */
static int catalog_read_file(const char *path, struct buf *out, struct error *error)
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
    int found = catalog_read_file(path, &text, &error);
    struct language *language = NULL;
    if (found == 0)
        language =
            language_read(text.data != NULL ? text.data : "", text.len, id, loading->defaults, loading->maxima, &error);
    buf_free(&text);
    if (found == 1 || (language != NULL && catalog_add(loading->languages, language, &error) == 0))
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

static bool can_evaluate(const struct language_version *version)
{
    return version->evaluate != NULL;
}

static bool has_kernel(const struct language_version *version)
{
    return version->kernel != NULL;
}

typedef bool version_ability(const struct language_version *version);

static bool is_able(const struct language *language, version_ability *ability)
{
    for (size_t i = 0; i < language->versions_len; i++)
        if (ability(&language->versions[i]))
            return true;
    return false;
}

/* "c, b and a do": the last id is the first here, because API.md names python before javascript. NULL: out of memory,
 * or there are none. */
static char *able_text(const struct catalog *languages, version_ability *ability, size_t total)
{
    struct buf text;
    size_t named = 0, len;

    buf_init(&text, (size_t)LANGUAGES_MAX * (LANGUAGE_ID_MAX + 8));
    for (size_t i = languages->count; i-- > 0;) {
        if (!is_able(languages->items[i], ability))
            continue;
        const char *before = named == 0 ? "" : named + 1 < total ? ", " : " and ";
        buf_printf(&text, "%s%s", before, languages->items[i]->id);
        named++;
    }
    if (total > 0)
        buf_puts(&text, total == 1 ? " does" : " do");
    return total > 0 ? buf_detach(&text, &len) : NULL;
}

/* *out NULL: none is able. 0, or -1: out of memory. */
static int name_able(const struct catalog *languages, version_ability *ability, char **out)
{
    size_t total = 0;

    for (size_t i = 0; i < languages->count; i++)
        total += is_able(languages->items[i], ability);
    *out = able_text(languages, ability, total);
    return total > 0 && *out == NULL ? -1 : 0;
}

static int name_abilities(struct catalog *languages, struct error *error)
{
    if (name_able(languages, can_evaluate, &languages->evaluators) != 0 ||
        name_able(languages, has_kernel, &languages->kernels) != 0)
        return error_memory(error);
    for (size_t i = 0; i < languages->count; i++) {
        languages->items[i]->evaluators = languages->evaluators;
        languages->items[i]->kernels = languages->kernels;
    }
    return 0;
}

int catalog_load(struct catalog **out, const char *path, const struct limits *defaults, const struct limits *maxima,
                 void (*complain)(const char *sentence, void *arg), void *arg, struct error *error)
{
    struct catalog *languages = calloc(1, sizeof *languages);
    char *folders = strdup(path);
    int failed = -1;

    if (languages == NULL || folders == NULL)
        error_memory(error);
    else
        failed = load_folders(&(struct loading){languages, defaults, maxima, complain, arg}, folders, error);
    free(folders);
    if (failed == 0) {
        qsort(languages->items, languages->count, sizeof(struct language *), by_id);
        failed = name_abilities(languages, error);
    }
    if (failed != 0) {
        catalog_free(languages);
        return -1;
    }
    *out = languages;
    return 0;
}

void catalog_free(struct catalog *languages)
{
    if (languages == NULL)
        return;
    for (size_t i = 0; i < languages->count; i++)
        language_free(languages->items[i]);
    name_table_free(&languages->names);
    free(languages->evaluators);
    free(languages->kernels);
    free(languages);
}

static void language_without_prewarming(struct language *language)
{
    for (size_t i = 0; i < language->versions_len; i++)
        language->versions[i].kind.prewarm_env = language->versions[i].kind.prewarm_argv = NULL;
}

void catalog_without_prewarming(struct catalog *languages)
{
    for (size_t i = 0; i < languages->count; i++)
        language_without_prewarming(languages->items[i]);
}

size_t catalog_count(const struct catalog *languages)
{
    return languages->count;
}

struct language *catalog_at(struct catalog *languages, size_t i)
{
    return languages->items[i];
}

struct language *catalog_find(struct catalog *languages, const char *name, struct language_version **version)
{
    const struct name_entry *found = name_table_find(&languages->names, name);

    if (found == NULL)
        return NULL;
    *version = found->version != NULL ? found->version : language_default(found->language);
    return *version != NULL && (*version)->offered ? found->language : NULL;
}

static bool is_expected(const struct language_version *version)
{
    return !version->offered && version->left_out == NULL;
}

struct language *catalog_expected(struct catalog *languages, const char *name)
{
    const struct name_entry *found = name_table_find(&languages->names, name);
    bool expected = false;

    if (found != NULL)
        expected = found->version != NULL
                       ? is_expected(found->version)
                       : language_default(found->language) == NULL && !language_asked(found->language);
    return expected ? found->language : NULL;
}
