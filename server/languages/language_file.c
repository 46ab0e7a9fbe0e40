#include "languages/language_file.h"

#include "base/json.h"
#include "languages/language_version_file.h"

#include <stdlib.h>
#include <string.h>

/* What is read of a file besides its first version. */
struct language_file {
    struct language language;
    struct limits_overrides limits;
    int line_ends;          /* place among `line_ends`; -1: not said */
    const json_t *versions; /* NULL: none */
};

static int check_id(const struct field_place *place, const struct field *field, const void *value)
{
    (void)field;
    return language_is_name(*(const char *const *)value, "-_.")
               ? 0
               : field_wrong(place, "must be 1 to 32 of a-z, 0-9, '-', '_' and '.', a letter or digit first");
}

/* The name that the program gets in the working folder. */
static int check_file(const struct field_place *place, const struct field *field, const void *value)
{
    const char *file = *(const char *const *)value;

    (void)field;
    if (strchr(file, '/') != NULL || strcmp(file, ".") == 0 || strcmp(file, "..") == 0 || strlen(file) > 255)
        return field_wrong(place, "must be a file's name, without a folder");
    return 0;
}

static const struct field example_list[] = {
    {.name = "code",
     .type = FIELD_TEXT,
     .required = true,
     .least = 1,
     .at = offsetof(struct language_file, language.example_code),
     .meaning = "a program"},
    {.name = "stdin",
     .type = FIELD_TEXT,
     .at = offsetof(struct language_file, language.example_stdin),
     .meaning = "its standard input"},
    {.name = "stdout",
     .type = FIELD_TEXT,
     .required = true,
     .at = offsetof(struct language_file, language.example_stdout),
     .meaning = "what it prints"},
};
static const struct fields example_fields = FIELDS(example_list, 0);

static const char *const line_ends[] = {"lf", NULL};

static const struct field file_list[] = {
    {.name = "id",
     .type = FIELD_TEXT,
     .required = true,
     .check = check_id,
     .at = offsetof(struct language_file, language.id),
     .meaning = "the folder's name"},
    {.name = "name",
     .type = FIELD_TEXT,
     .required = true,
     .least = 1,
     .at = offsetof(struct language_file, language.name),
     .meaning = "its name for people"},
    {.name = "aliases",
     .type = FIELD_TEXTS,
     .most = LANGUAGE_ALIASES_MAX,
     .check = language_aliases_check,
     .at = offsetof(struct language_file, language.aliases),
     .fallback = "[]",
     .meaning = "other names, in lower case"},
    {.name = "file",
     .type = FIELD_TEXT,
     .required = true,
     .least = 1,
     .check = check_file,
     .at = offsetof(struct language_file, language.file),
     .meaning = "the name of the program's own file"},
    {.name = "line_ends",
     .type = FIELD_CHOICE,
     .choices = line_ends,
     .at = offsetof(struct language_file, line_ends),
     .meaning = "\"lf\": a CR at the end of a line breaks its programs"},
    {.name = "limits",
     .type = FIELD_OBJECT,
     .inside = &limits_fields,
     .at = offsetof(struct language_file, limits),
     .fallback = "{}",
     .meaning = "its own default limits"},
    {.name = "versions",
     .type = FIELD_ANY,
     .at = offsetof(struct language_file, versions),
     .fallback = "[]",
     .meaning = "further versions: each has its own fields over those of the file"},
    {.name = "example",
     .type = FIELD_OBJECT,
     .required = true,
     .inside = &example_fields,
     .at = 0,
     .meaning = "a program for GET /api/v1/languages"},
};
const struct fields language_file_fields = {
    .list = file_list, .count = sizeof file_list / sizeof *file_list, .also = &language_version_fields};

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The default limits, or the server's maxima if these are lower. A file's own limits must fit into the maxima. */
static struct limits least_of(const struct limits *defaults, const struct limits *maxima)
{
    const struct cell_limits *a = &defaults->cell, *b = &maxima->cell;

    return (struct limits){.cell = {.milli_cpus = smaller(a->milli_cpus, b->milli_cpus),
                                    .memory_mb = smaller(a->memory_mb, b->memory_mb),
                                    .disk_mb = smaller(a->disk_mb, b->disk_mb),
                                    .processes = smaller(a->processes, b->processes)},
                           .output_kb = smaller(defaults->output_kb, maxima->output_kb)};
}

/* The file's own fields, then those of its versions. */
static int language_read_file(struct language *language, const json_t *root, const char *folder,
                              const struct limits *defaults, const struct limits *maxima, struct error *error)
{
    static char *no_aliases[] = {NULL};
    int64_t bounds[LIMITS_BOUNDS];
    const struct fields_reading reading = {.arena = &language->arena, .error = error, .bounds = bounds};
    struct language_file file = {.language = {.aliases = no_aliases}, .line_ends = -1};

    limits_bounds(bounds, maxima);
    if (fields_read(&language_file_fields, root, &reading, &file) != 0)
        return -1;
    if (strcmp(file.language.id, folder) != 0)
        return error_set(error, ERROR_INVALID, "id: must be the folder's name, %s", folder);
    file.language.limits = least_of(defaults, maxima);
    file.language.lines_lf = file.line_ends == 0;
    if (limits_override(&file.language.limits, &file.limits, maxima, error) != 0)
        return -1;
    file.language.arena = language->arena;
    *language = file.language;
    return language_versions_read(language, root, file.versions, maxima, error);
}

struct language *language_read(const char *json, size_t len, const char *id, const struct limits *defaults,
                               const struct limits *maxima, struct error *error)
{
    json_t *root = json_parse(json, len, error);
    struct language *language = root != NULL ? calloc(1, sizeof *language) : NULL;

    if (language == NULL) {
        if (root != NULL)
            error_memory(error);
        json_decref(root);
        return NULL;
    }
    if (arena_adopt(&language->arena, root, json_release) != 0)
        error_memory(error);
    else if (!json_is_object(root))
        error_set(error, ERROR_INVALID, "must be an object");
    else if (language_read_file(language, root, id, defaults, maxima, error) == 0)
        return language;
    language_free(language);
    return NULL;
}

void language_free(struct language *language)
{
    if (language == NULL)
        return;
    language_versions_free(language);
    arena_free(&language->arena);
    free(language);
}
