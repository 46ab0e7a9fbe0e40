/* The versions in a language.json. An entry of `versions` is read as the file itself would be with the entry's fields
 * in the place of its own: what an entry leaves out has been found right already. */
#include "languages/language_version_file.h"

#include "base/json.h"
#include "languages/figures.h"
#include "languages/language_file.h"
#include "languages/language_live_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_image(const struct reader *in, const struct language *language, struct language_version *version)
{
    if (reader_name(in, "image", false, &version->image) != 0)
        return -1;
    if (version->image == NULL && asprintf(&version->image, "codecell/%s", language->id) < 0) {
        version->image = NULL;
        return reader_fail(in, "image", "out of memory");
    }
    return 0;
}

static const char *const compile_known[] = {"argv", "timeout", "memory_mb", NULL};

/* As with limits, a server whose maximum is below it gives its maximum. */
static int read_compile_memory(const struct reader *in, const struct limits *maxima, struct language_version *version)
{
    struct reader inside;
    int found = reader_enter(in, "compile", false, compile_known, &inside);
    int64_t mb = 0;

    if (found != 0)
        return found < 0 ? -1 : 0;
    const json_t *memory = json_object_get(inside.object, "memory_mb");
    if (memory == NULL)
        return 0;
    if (json_as_integer(memory, &mb) != 0 || mb < limits_minima.cell.memory_mb || mb > LANGUAGE_COMPILE_MEMORY_MAX)
        return reader_fail(&inside, "memory_mb", "must be an integer from 32 to 16384");
    version->compile_memory_mb = mb < maxima->cell.memory_mb ? (uint32_t)mb : maxima->cell.memory_mb;
    return 0;
}

static int check_figures(const struct reader *in, const char *name, char *const *argv)
{
    for (; argv != NULL && *argv != NULL; argv++)
        if (!figures_are_right(*argv))
            return reader_fail(in, name, FIGURES_WRONG);
    return 0;
}

static int read_compile(const struct reader *in, struct language_version *version)
{
    struct reader inside;
    int found = reader_enter(in, "compile", false, compile_known, &inside);

    if (found != 0)
        return found < 0 ? -1 : 0;
    const json_t *timeout = json_object_get(inside.object, "timeout");
    int64_t seconds = LANGUAGE_COMPILE_TIMEOUT;
    if (timeout != NULL && (json_as_integer(timeout, &seconds) != 0 || seconds < 1 || seconds > 300))
        return reader_fail(&inside, "timeout", "must be an integer from 1 to 300");
    version->compile_ms = (uint64_t)seconds * 1000;
    return reader_argv(&inside, &version->compile) != 0 ? -1 : check_figures(&inside, "argv", version->compile);
}

static int read_run(const struct reader *in, struct language_version *version)
{
    return reader_command(in, "run", true, &version->run) != 0 ? -1 : check_figures(in, "run.argv", version->run);
}

static bool is_variable(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    while (isalnum((unsigned char)*name) || *name == '_')
        name++;
    return *name == '\0';
}

static int read_variable(const struct reader *in, const char *name, const json_t *value, char **out)
{
    if (!is_variable(name))
        return reader_fail(in, "environment", "a name must match [A-Za-z_][A-Za-z0-9_]*");
    if (!reader_is_text(value))
        return error_set(in->error, ERROR_INVALID, "%senvironment.%s: must be a string without NUL", in->prefix, name);
    if (!figures_are_right(json_string_value(value)))
        return error_set(in->error, ERROR_INVALID, "%senvironment.%s: " FIGURES_WRONG, in->prefix, name);
    if (asprintf(out, "%s=%s", name, json_string_value(value)) < 0) {
        *out = NULL;
        return reader_fail(in, "environment", "out of memory");
    }
    return 0;
}

int language_environment_read(const struct reader *in, char ***out)
{
    json_t *object = json_object_get(in->object, "environment"), *value;
    size_t count = json_object_size(object), i = 0;
    const char *name;

    if (object != NULL && (!json_is_object(object) || count > READER_STRINGS_MAX))
        return reader_fail(in, "environment", "must be an object of at most 128 strings");
    char **env = *out = calloc(count + 1, sizeof *env);
    if (env == NULL)
        return reader_fail(in, "environment", "out of memory");
    json_object_foreach (object, name, value) {
        if (read_variable(in, name, value, &env[i++]) != 0)
            return -1;
    }
    return 0;
}

static const struct hold {
    const char *text;
    enum frame_hold hold;
} holds[] = {{"getuid", FRAME_HOLD_GETUID}, {"open", FRAME_HOLD_OPEN}};

static int read_waiting(const struct reader *in, bool *waiting, enum frame_hold *hold)
{
    const json_t *value = json_object_get(in->object, "waiting");

    *waiting = json_is_true(value);
    *hold = FRAME_HOLD_FILE;
    if (value == NULL || json_is_boolean(value))
        return 0;
    for (size_t i = 0; reader_is_text(value) && i < sizeof holds / sizeof *holds; i++)
        if (strcmp(json_string_value(value), holds[i].text) == 0) {
            *hold = holds[i].hold;
            *waiting = true;
            return 0;
        }
    return reader_fail(in, "waiting", "must be true, false, \"getuid\" or \"open\"");
}

/* Set by the fields before it: compile, run, environment, image; id and limits are the language's. What waits is what
 * a job begins with: the compile step where there is one. */
static int read_kind(const struct reader *in, const struct language *language, struct language_version *version)
{
    bool waiting;
    enum frame_hold hold;
    char **first = version->compile != NULL ? version->compile : version->run;

    if (read_waiting(in, &waiting, &hold) != 0)
        return -1;
    version->kind = (struct cell_kind){.language = language->id,
                                       .image = version->image,
                                       .compile_memory_mb = version->compile_memory_mb,
                                       .waiting_step = version->compile != NULL ? FRAME_STEP_COMPILE : FRAME_STEP_RUN,
                                       .waiting_hold = hold,
                                       .limits = language->limits.cell};
    if (!waiting)
        return 0;
    struct cell_limits limits = command_compile_limits(&language->limits.cell, version->compile_memory_mb);
    if (command_build(&version->waiting, first, version->env, &limits, NULL, NULL) != 0)
        return reader_fail(in, "waiting", "out of memory");
    version->kind.waiting_env = version->waiting.env;
    version->kind.waiting_argv = version->waiting.argv;
    return 0;
}

static int read_version(const struct reader *in, const struct language *language, struct language_version *version)
{
    bool failed = read_image(in, language, version) != 0 || read_compile(in, version) != 0 ||
                  read_run(in, version) != 0 || language_environment_read(in, &version->env) != 0 ||
                  reader_command(in, "version", true, &version->version_argv) != 0 ||
                  reader_command(in, "packages", false, &version->packages_argv) != 0 ||
                  read_kind(in, language, version) != 0;

    return failed ? -1 : 0;
}

static int read_name(const struct reader *in, struct language_version *version)
{
    if (reader_text(in, "name", false, &version->name) != 0)
        return -1;
    if (version->name != NULL && !version_is_name(version->name))
        return reader_fail(in, "name", "must be 1 to 32 of a-z and 0-9, the first and the last a letter");
    return 0;
}

/* Of no use here: images/build reads it. */
static int check_proven(const struct reader *in)
{
    const json_t *value = json_object_get(in->object, "proven");
    bool good = value == NULL || (reader_is_text(value) && strcmp(json_string_value(value), "where built") == 0);

    return good ? 0 : reader_fail(in, "proven", "must be \"where built\", or not there");
}

/* The file's fields under the entry's (NULL: none); null is none, where a language can do without. NULL: out of
 * memory. */
static json_t *overlaid(const json_t *file, const json_t *entry)
{
    static const char *const optional[] = {"compile", "packages", "waiting", "least", "live", "proven"};
    json_t *both = json_copy((json_t *)file);

    if (entry != NULL && json_object_update(both, (json_t *)entry) != 0) {
        json_decref(both);
        return NULL;
    }
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        if (json_is_null(json_object_get(both, optional[i])))
            json_object_del(both, optional[i]);
    return both;
}

/* `in` says where the fields are that differ from the file's. */
static int read_overlaid(const struct reader *in, const json_t *file, const json_t *entry, const struct limits *maxima,
                         const struct language *language, struct language_version *version)
{
    struct reader both = *in;
    json_t *fields = overlaid(file, entry);

    if (fields == NULL)
        return error_set(in->error, ERROR_INTERNAL, "out of memory");
    both.object = fields;
    bool failed = read_compile_memory(&both, maxima, version) != 0 || read_version(&both, language, version) != 0 ||
                  limits_least_read(&version->least, &both, &language->limits) != 0 ||
                  language_live_read(&both, version->run, &version->live) != 0 || check_proven(&both) != 0;
    json_decref(fields);
    return failed ? -1 : 0;
}

static int read_entry(const struct reader *entry, const json_t *file, const struct limits *maxima,
                      const struct language *language, struct language_version *version)
{
    static const char *const known[] = {"name",    "aliases",  "image", "compile", "run",    "environment", "waiting",
                                        "version", "packages", "least", "live",    "proven", NULL};

    if (reader_known(entry, known) != 0 || read_name(entry, version) != 0 ||
        language_aliases_read(entry, &version->aliases) != 0)
        return -1;
    return read_overlaid(entry, file, entry->object, maxima, language, version);
}

static int read_entries(const struct reader *file, const json_t *entries, const struct limits *maxima,
                        struct language *language)
{
    size_t i;
    json_t *object;

    json_array_foreach (entries, i, object) {
        struct reader entry = {.object = object, .error = file->error};
        if (!json_is_object(object))
            return error_set(file->error, ERROR_INVALID, "versions[%zu]: must be an object", i);
        snprintf(entry.prefix, sizeof entry.prefix, "versions[%zu].", i);
        language->versions_len++; /* from here on freed with the language */
        if (read_entry(&entry, file->object, maxima, language, &language->versions[i + 1]) != 0)
            return -1;
    }
    return 0;
}

int language_versions_read(const struct reader *file, const struct limits *maxima, struct language *language)
{
    const json_t *entries = json_object_get(file->object, "versions");
    size_t count = json_array_size(entries);

    if (entries != NULL && (!json_is_array(entries) || count >= LANGUAGE_VERSIONS_MAX))
        return reader_fail(file, "versions", "must be an array of at most 15 objects");
    language->versions = calloc(count + 1, sizeof *language->versions);
    if (language->versions == NULL)
        return reader_fail(file, "versions", "out of memory");
    language->versions_len = 1;
    language->versions->aliases = calloc(1, sizeof(char *)); /* the file's aliases are the language's */
    if (language->versions->aliases == NULL)
        return reader_fail(file, "aliases", "out of memory");
    if (read_overlaid(file, file->object, NULL, maxima, language, language->versions) != 0)
        return -1;
    return read_entries(file, entries, maxima, language);
}

static void version_free(struct language_version *version)
{
    free(version->name);
    strings_free(version->aliases);
    free(version->image);
    strings_free(version->compile);
    strings_free(version->run);
    strings_free(version->env);
    strings_free(version->version_argv);
    strings_free(version->packages_argv);
    language_live_clear(&version->live);
    command_clear(&version->waiting);
    free(version->fingerprint);
    json_decref(version->packages);
}

void language_versions_free(struct language *language)
{
    for (size_t i = 0; i < language->versions_len; i++)
        version_free(&language->versions[i]);
    free(language->versions);
}
