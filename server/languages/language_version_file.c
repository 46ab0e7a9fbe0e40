/* The versions in a language.json. An item of `versions` is read as the file itself would be with the item's fields
 * over the file's own. What an item leaves out has been checked with the file. */
#include "languages/language_version_file.h"

#include "base/json.h"
#include "languages/figures.h"
#include "languages/language_file.h"
#include "languages/language_live_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is read of a version. */
struct version_file {
    struct language_version version;
    bool compiles;
    int64_t compile_timeout, compile_memory; /* seconds; MiB, 0: none of its own */
    const json_t *waiting, *least, *live;    /* NULL: absent */
};

bool language_is_name(const char *text, const char *punctuation)
{
    size_t len = strlen(text);

    if (len == 0 || len > LANGUAGE_ID_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool plain = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9');
        if (!plain && (i == 0 || strchr(punctuation, text[i]) == NULL))
            return false;
    }
    return true;
}

int language_aliases_check(const struct field_place *place, const struct field *field, const void *value)
{
    (void)field;
    for (char *const *alias = *(char *const *const *)value; *alias != NULL; alias++)
        if (!language_is_name(*alias, "-_.+#"))
            return field_wrong(place,
                               "each must be 1 to 32 of a-z, 0-9 and '-_.+#' (lower case), a letter or digit first");
    return 0;
}

static int check_command(const struct field_place *place, const struct field *field, const void *value)
{
    (void)field;
    return ***(char *const *const *)value != '\0' ? 0 : field_wrong(place, "must begin with a program");
}

int language_argv_check(const struct field_place *place, const struct field *field, const void *value)
{
    if (check_command(place, field, value) != 0)
        return -1;
    for (char *const *word = *(char *const *const *)value; *word != NULL; word++)
        if (!figures_are_right(*word))
            return field_wrong(place, FIGURES_WRONG);
    return 0;
}

int language_environment_check(const struct field_place *place, const struct field *field, const void *value)
{
    (void)field;
    for (char *const *variable = *(char *const *const *)value; *variable != NULL; variable++) {
        char name[256];
        const struct field_place item = {.up = place, .name = name, .reading = place->reading};
        const char *text = strchr(*variable, '=');
        snprintf(name, sizeof name, "%.*s", (int)(text - *variable), *variable);
        if (!figures_are_right(text + 1))
            return field_wrong(&item, FIGURES_WRONG);
    }
    return 0;
}

#define ARGV(checked, where)                                                                               \
    {                                                                                                      \
        .name = "argv", .type = FIELD_TEXTS, .required = true, .least = 1, .most = LANGUAGE_STRINGS_MAX,   \
        .check = (checked), .at = offsetof(struct version_file, where), .meaning = "program and arguments" \
    }

static const struct field compile_list[] = {
    ARGV(language_argv_check, version.compile),
    {.name = "timeout",
     .type = FIELD_INTEGER,
     .least = 1,
     .most = 300,
     .at = offsetof(struct version_file, compile_timeout),
     .fallback = "30",
     .meaning = "seconds"},
    {.name = "memory_mb",
     .type = FIELD_INTEGER,
     .least = 32,
     .most = LANGUAGE_COMPILE_MEMORY_MAX,
     .at = offsetof(struct version_file, compile_memory),
     .meaning = "memory that the compiler may use if the request's limit is below it"},
};
static const struct field run_list[] = {ARGV(language_argv_check, version.run)};
static const struct field evaluate_list[] = {ARGV(language_argv_check, version.evaluate)};
static const struct field kernel_list[] = {ARGV(language_argv_check, version.kernel)};
static const struct field version_argv_list[] = {ARGV(check_command, version.version_argv)};
static const struct field packages_list[] = {ARGV(check_command, version.packages_argv)};
static const struct fields compile_fields = FIELDS(compile_list, 0), run_fields = FIELDS(run_list, 0),
                           evaluate_fields = FIELDS(evaluate_list, 0), kernel_fields = FIELDS(kernel_list, 0),
                           version_argv_fields = FIELDS(version_argv_list, 0),
                           packages_fields = FIELDS(packages_list, 0);

static const char *const proofs[] = {"where built", NULL};

static const struct field version_list[] = {
    {.name = "image",
     .type = FIELD_TEXT,
     .least = 1,
     .at = offsetof(struct version_file, version.image),
     .fallback = "\"codecell/ID\"",
     .meaning = "the image that it runs in"},
    {.name = "compile",
     .type = FIELD_OBJECT,
     .inside = &compile_fields,
     .at = 0,
     .len_at = offsetof(struct version_file, compiles),
     .meaning = "the compile step; absent: there is none"},
    {.name = "run", .type = FIELD_OBJECT, .required = true, .inside = &run_fields, .at = 0, .meaning = "the run step"},
    {.name = "evaluate",
     .type = FIELD_OBJECT,
     .inside = &evaluate_fields,
     .at = 0,
     .meaning = "the run step of a request with `evaluate`: its driver; absent: there is none"},
    {.name = "kernel",
     .type = FIELD_OBJECT,
     .inside = &kernel_fields,
     .at = 0,
     .meaning = "the interpreter of a request with `kernel`: its driver; absent: there is none"},
    {.name = "environment",
     .type = FIELD_VARIABLES,
     .most = LANGUAGE_STRINGS_MAX,
     .check = language_environment_check,
     .at = offsetof(struct version_file, version.env),
     .fallback = "{}",
     .meaning = "variables of both steps"},
    {.name = "version",
     .type = FIELD_OBJECT,
     .required = true,
     .inside = &version_argv_fields,
     .at = 0,
     .meaning = "a command whose output holds the version's number"},
    {.name = "packages",
     .type = FIELD_OBJECT,
     .inside = &packages_fields,
     .at = 0,
     .meaning = "a command that prints \"name version\" lines"},
    {.name = "waiting",
     .type = FIELD_ANY,
     .at = offsetof(struct version_file, waiting),
     .fallback = "false",
     .meaning = "whether its interpreter is prewarmed, and at which system call it waits for the program"},
    {.name = "least",
     .type = FIELD_ANY,
     .at = offsetof(struct version_file, least),
     .fallback = "{}",
     .meaning = "the least limits with which it works"},
    {.name = "live",
     .type = FIELD_ANY,
     .at = offsetof(struct version_file, live),
     .meaning = "how its output comes line by line"},
    {.name = "proven",
     .type = FIELD_CHOICE,
     .choices = proofs,
     .sentence = "must be \"where built\", or not there",
     .at = FIELD_NOWHERE,
     .meaning = "for images/build"},
};
const struct fields language_version_fields = FIELDS(version_list, sizeof(struct version_file));

static int version_check_name(const struct field_place *place, const struct field *field, const void *value)
{
    (void)field;
    return version_is_name(*(const char *const *)value)
               ? 0
               : field_wrong(place, "must be 1 to 32 of a-z and 0-9, the first and the last a letter");
}

/* The further fields of an item of `versions`. */
static const struct field item_list[] = {
    {.name = "name",
     .type = FIELD_TEXT,
     .check = version_check_name,
     .at = offsetof(struct language_version, name),
     .meaning = "of another implementation than the default one"},
    {.name = "aliases",
     .type = FIELD_TEXTS,
     .most = LANGUAGE_ALIASES_MAX,
     .check = language_aliases_check,
     .at = offsetof(struct language_version, aliases),
     .fallback = "[]",
     .meaning = "names of the language with this version"},
};
static const struct fields item_fields = {
    .list = item_list, .count = sizeof item_list / sizeof *item_list, .also = &language_version_fields};

static const struct hold {
    const char *text;
    enum frame_hold hold;
} holds[] = {{"getuid", FRAME_HOLD_GETUID}, {"open", FRAME_HOLD_OPEN}};

static int read_waiting(const struct field_place *place, const json_t *value, bool *waiting, enum frame_hold *hold)
{
    *waiting = json_is_true(value);
    *hold = FRAME_HOLD_FILE;
    if (value == NULL || json_is_boolean(value))
        return 0;
    for (size_t i = 0; json_is_string(value) && i < sizeof holds / sizeof *holds; i++)
        if (strcmp(json_string_value(value), holds[i].text) == 0) {
            *hold = holds[i].hold;
            *waiting = true;
            return 0;
        }
    return field_wrong(place, "must be true, false, \"getuid\" or \"open\"");
}

/* What a job begins with is prewarmed: the compile step if there is one. */
static int fill_kind(const struct field_place *place, const json_t *value, const struct language *language,
                     struct language_version *version)
{
    const struct field_place waiting_place = {.up = place, .name = "waiting", .reading = place->reading};
    bool waiting;
    enum frame_hold hold;
    char **first = version->compile != NULL ? version->compile : version->run;

    if (read_waiting(&waiting_place, value, &waiting, &hold) != 0)
        return -1;
    version->kind = (struct cell_kind){.language = language->id,
                                       .image = version->image,
                                       .compile_memory_mb = version->compile_memory_mb,
                                       .prewarm_step = version->compile != NULL ? FRAME_STEP_COMPILE : FRAME_STEP_RUN,
                                       .prewarm_hold = hold,
                                       .limits = language->limits.cell};
    if (!waiting)
        return 0;
    struct cell_limits limits = command_compile_limits(&language->limits.cell, version->compile_memory_mb);
    if (command_build(&version->prewarmed, first, version->env, &limits, NULL, NULL) != 0)
        return error_memory(place->reading->error);
    version->kind.prewarm_env = version->prewarmed.env;
    version->kind.prewarm_argv = version->prewarmed.argv;
    return 0;
}

/* If the server's maximum is below the compiler's memory, the compiler gets the maximum. */
static int fill_version(const struct version_file *file, const struct limits *maxima, struct language *language,
                        struct language_version *version, struct error *error)
{
    char *name = version->name, **aliases = version->aliases;
    uint32_t memory = (uint32_t)file->compile_memory;

    *version = file->version;
    version->name = name;
    version->aliases = aliases;
    if (file->compiles)
        version->compile_ms = (uint64_t)file->compile_timeout * 1000;
    version->compile_memory_mb = memory < maxima->cell.memory_mb ? memory : maxima->cell.memory_mb;
    if (version->image == NULL &&
        (version->image = arena_printf(&language->arena, "codecell/%s", language->id)) == NULL)
        return error_memory(error);
    return 0;
}

static int read_least(const struct field_place *up, const json_t *least, const struct language *language,
                      struct language_version *version)
{
    const struct field_place place = {.up = up, .name = "least", .reading = up->reading};

    version->least = limits_minima;
    return least == NULL ? 0 : limits_least_read(&version->least, &place, least, &language->limits);
}

/* The version's fields of an object that also holds the file's own. */
static const struct fields overlaid_fields = {
    .list = version_list, .count = sizeof version_list / sizeof *version_list, .also = &language_file_fields};

static int read_version(const struct field_place *place, const json_t *object, const struct limits *maxima,
                        struct language *language, struct language_version *version)
{
    static char *no_env[] = {NULL};
    struct version_file file = {.version = {.env = no_env}, .compile_timeout = LANGUAGE_COMPILE_TIMEOUT};

    if (fields_read_inside(&overlaid_fields, object, place, &file) != 0 ||
        fill_version(&file, maxima, language, version, place->reading->error) != 0)
        return -1;
    return fill_kind(place, file.waiting, language, version) != 0 ||
                   read_least(place, file.least, language, version) != 0 ||
                   language_live_read(place, file.live, version->run, &version->live) != 0
               ? -1
               : 0;
}

/* The file's fields with the item's fields (NULL: none) over them, as a tree that the language owns. A null removes an
 * optional field. NULL: out of memory. */
static json_t *overlaid(struct arena *arena, const json_t *file, const json_t *item)
{
    static const char *const optional[] = {"compile", "evaluate", "kernel", "packages",
                                           "waiting", "least",    "live",   "proven"};
    json_t *both = json_copy((json_t *)file); /* jansson copies a non-const object */

    if (both == NULL || arena_adopt(arena, both, json_release) != 0 ||
        (item != NULL && json_object_update(both, (json_t *)item) != 0))
        return NULL;
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        if (json_is_null(json_object_get(both, optional[i])))
            json_object_del(both, optional[i]);
    return both;
}

static int read_overlaid(const struct field_place *place, const json_t *file, const json_t *item,
                         const struct limits *maxima, struct language *language, struct language_version *version)
{
    const json_t *both = overlaid(&language->arena, file, item);

    return both != NULL ? read_version(place, both, maxima, language, version) : error_memory(place->reading->error);
}

static int read_items(const struct field_place *up, const json_t *file, const json_t *items,
                      const struct limits *maxima, struct language *language)
{
    size_t i;
    json_t *item;

    json_array_foreach (items, i, item) {
        const struct field_place place = {.up = up, .index = i, .reading = up->reading};
        struct language_version *version = &language->versions[i + 1];
        version->aliases = language->versions->aliases; /* none */
        language->versions_len++;
        if (fields_read_inside(&item_fields, item, &place, version) != 0 ||
            read_overlaid(&place, file, item, maxima, language, version) != 0)
            return -1;
    }
    return 0;
}

int language_versions_read(struct language *language, const json_t *file, const json_t *versions,
                           const struct limits *maxima, struct error *error)
{
    static char *no_aliases[] = {NULL}; /* of the first version: the file's aliases are the language's */
    const struct fields_reading reading = {.arena = &language->arena, .error = error};
    const struct field_place top = {.reading = &reading}, list = {.up = &top, .name = "versions", .reading = &reading};
    size_t count = json_array_size(versions);

    if (versions != NULL && (!json_is_array(versions) || count >= LANGUAGE_VERSIONS_MAX))
        return field_wrong(&list, "must be an array of at most %d objects", LANGUAGE_VERSIONS_MAX - 1);
    language->versions = calloc(count + 1, sizeof *language->versions);
    if (language->versions == NULL)
        return error_memory(error);
    language->versions_len = 1;
    language->versions->aliases = no_aliases;
    if (read_overlaid(&top, file, NULL, maxima, language, language->versions) != 0)
        return -1;
    return read_items(&list, file, versions, maxima, language);
}

void language_versions_free(struct language *language)
{
    for (size_t i = 0; i < language->versions_len; i++) {
        struct language_version *version = &language->versions[i];
        command_clear(&version->prewarmed);
        free(version->fingerprint);
        json_decref(version->packages);
    }
    free(language->versions);
}
