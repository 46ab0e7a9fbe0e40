/* The versions in a language.json. An entry of `versions` is read as the file itself would be with the entry's fields
 * in the place of its own: what an entry leaves out has been found right already. */
#include "run/language_file.h"

#include "base/json.h"
#include "run/figures.h"

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

#define WRONG_FIGURE "a figure must be ${NAME}, ${NAME*N} or ${NAME*N/M}, with -K behind it or not"

static int check_figures(const struct reader *in, const char *name, char *const *argv)
{
    for (; argv != NULL && *argv != NULL; argv++)
        if (!figures_are_right(*argv))
            return reader_fail(in, name, WRONG_FIGURE);
    return 0;
}

static int read_compile(const struct reader *in, struct language_version *version)
{
    struct reader inside;
    int found = reader_enter(in, "compile", false, (const char *const[]){"argv", "timeout", NULL}, &inside);

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
        return error_set(in->error, ERROR_INVALID, "%senvironment.%s: " WRONG_FIGURE, in->prefix, name);
    if (asprintf(out, "%s=%s", name, json_string_value(value)) < 0) {
        *out = NULL;
        return reader_fail(in, "environment", "out of memory");
    }
    return 0;
}

static int read_environment(const struct reader *in, struct language_version *version)
{
    json_t *object = json_object_get(in->object, "environment"), *value;
    size_t count = json_object_size(object), i = 0;
    const char *name;

    if (object != NULL && (!json_is_object(object) || count > READER_STRINGS_MAX))
        return reader_fail(in, "environment", "must be an object of at most 128 strings");
    char **env = version->env = calloc(count + 1, sizeof *env);
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
    bool exec, waiting;
    enum frame_hold hold;
    char **first = version->compile != NULL ? version->compile : version->run;

    if (reader_boolean(in, "exec", &exec) != 0 || read_waiting(in, &waiting, &hold) != 0)
        return -1;
    version->kind = (struct cell_kind){.language = language->id,
                                       .image = version->image,
                                       .exec = version->compile != NULL || exec,
                                       .waiting_step = version->compile != NULL ? FRAME_STEP_COMPILE : FRAME_STEP_RUN,
                                       .waiting_hold = hold,
                                       .limits = language->limits.cell};
    if (!waiting)
        return 0;
    if (run_command_build(&version->waiting, first, version->env, &language->limits.cell, NULL, NULL) != 0)
        return reader_fail(in, "waiting", "out of memory");
    version->kind.waiting_env = version->waiting.env;
    version->kind.waiting_argv = version->waiting.argv;
    return 0;
}

static int read_version(const struct reader *in, const struct language *language, struct language_version *version)
{
    bool failed =
        read_image(in, language, version) != 0 || read_compile(in, version) != 0 || read_run(in, version) != 0 ||
        read_environment(in, version) != 0 || reader_command(in, "version", true, &version->version_argv) != 0 ||
        reader_command(in, "packages", false, &version->packages_argv) != 0 || read_kind(in, language, version) != 0;

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

/* The file's fields under the entry's (NULL: none); null is none, where a language can do without. NULL: out of
 * memory. */
static json_t *overlaid(const json_t *file, const json_t *entry)
{
    static const char *const optional[] = {"compile", "packages", "waiting"};
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
static int read_overlaid(const struct reader *in, const json_t *file, const json_t *entry,
                         const struct language *language, struct language_version *version)
{
    struct reader both = *in;
    json_t *fields = overlaid(file, entry);

    if (fields == NULL)
        return error_set(in->error, ERROR_INTERNAL, "out of memory");
    both.object = fields;
    int failed = read_version(&both, language, version);
    json_decref(fields);
    return failed;
}

static int read_entry(const struct reader *entry, const json_t *file, const struct language *language,
                      struct language_version *version)
{
    static const char *const known[] = {"name",        "aliases", "image",   "compile",  "run",
                                        "environment", "waiting", "version", "packages", NULL};

    if (reader_known(entry, known) != 0 || read_name(entry, version) != 0 ||
        language_aliases_read(entry, &version->aliases) != 0)
        return -1;
    return read_overlaid(entry, file, entry->object, language, version);
}

static int read_entries(const struct reader *file, const json_t *entries, struct language *language)
{
    size_t i;
    json_t *object;

    json_array_foreach (entries, i, object) {
        struct reader entry = {.object = object, .error = file->error};
        if (!json_is_object(object))
            return error_set(file->error, ERROR_INVALID, "versions[%zu]: must be an object", i);
        snprintf(entry.prefix, sizeof entry.prefix, "versions[%zu].", i);
        language->versions_len++; /* from here on freed with the language */
        if (read_entry(&entry, file->object, language, &language->versions[i + 1]) != 0)
            return -1;
    }
    return 0;
}

int language_versions_read(const struct reader *file, struct language *language)
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
    if (read_overlaid(file, file->object, NULL, language, language->versions) != 0)
        return -1;
    return read_entries(file, entries, language);
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
    run_command_clear(&version->waiting);
    free(version->fingerprint);
    json_decref(version->packages);
}

void language_versions_free(struct language *language)
{
    for (size_t i = 0; i < language->versions_len; i++)
        version_free(&language->versions[i]);
    free(language->versions);
}
