#include "run/language_file.h"

#include "base/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- one object of the file ---- */

/* `prefix` is "" for the file itself, "compile." and so on for an object in it. */
struct reader {
    const json_t *object;
    const char *prefix;
    struct error *error;
};

static int complain(const struct reader *in, const char *name, const char *what)
{
    error_set(in->error, ERROR_INVALID, "%s%s: %s", in->prefix, name, what);
    return -1;
}

/* Every member must be among `known` (NULL after the last). */
static int only_known(const struct reader *in, const char *const *known)
{
    json_t *source = (json_t *)in->object, *value; /* jansson iterates over a non-const object */
    const char *name;
    json_object_foreach (source, name, value) {
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], name) != 0)
            i++;
        if (known[i] == NULL)
            return complain(in, name, "unknown field");
    }
    return 0;
}

static bool is_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

/* A string without NUL. Where it is absent, *out stays NULL, which is an error for a required one. */
static int read_text(const struct reader *in, const char *name, bool required, char **out)
{
    const json_t *value = json_object_get(in->object, name);
    if (value == NULL)
        return required ? complain(in, name, "missing") : 0;
    if (!is_text(value))
        return complain(in, name, "must be a string without NUL");
    *out = strdup(json_string_value(value));
    return *out == NULL ? complain(in, name, "out of memory") : 0;
}

static int read_name(const struct reader *in, const char *name, bool required, char **out)
{
    if (read_text(in, name, required, out) != 0)
        return -1;
    return *out != NULL && **out == '\0' ? complain(in, name, "must not be empty") : 0;
}

/* An array of 1 to LANGUAGE_STRINGS_MAX strings; NULL after the last. */
static int read_strings(const struct reader *in, const char *name, char ***out)
{
    const json_t *array = json_object_get(in->object, name);
    if (array == NULL)
        return complain(in, name, "missing");
    size_t count = json_array_size(array);
    if (count == 0 || count > LANGUAGE_STRINGS_MAX)
        return complain(in, name, "must be an array of 1 to 128 strings");
    char **strings = *out = calloc(count + 1, sizeof *strings);
    for (size_t i = 0; strings != NULL && i < count; i++) {
        const json_t *value = json_array_get(array, i);
        if (!is_text(value))
            return complain(in, name, "must be an array of 1 to 128 strings");
        if ((strings[i] = strdup(json_string_value(value))) == NULL)
            return complain(in, name, "out of memory");
    }
    return strings == NULL ? complain(in, name, "out of memory") : 0;
}

static int read_argv(const struct reader *in, char ***out)
{
    if (read_strings(in, "argv", out) != 0)
        return -1;
    return **out[0] == '\0' ? complain(in, "argv", "must begin with a program") : 0;
}

/* The object `name`, whose members `inside` will read; 1 where it is absent and may be. */
static int open_object(const struct reader *in, const char *name, bool required, const char *prefix,
                       const char *const *known, struct reader *inside)
{
    const json_t *object = json_object_get(in->object, name);
    if (object == NULL)
        return required ? complain(in, name, "missing") : 1;
    if (!json_is_object(object))
        return complain(in, name, "must be an object");
    *inside = (struct reader){.object = object, .prefix = prefix, .error = in->error};
    return only_known(inside, known);
}

/* {"argv": […]} */
static int read_command(const struct reader *in, const char *name, bool required, const char *prefix, char ***out)
{
    struct reader inside;
    int found = open_object(in, name, required, prefix, (const char *const[]){"argv", NULL}, &inside);
    if (found != 0)
        return found < 0 ? -1 : 0;
    return read_argv(&inside, out);
}

/* ---- the fields ---- */

static bool is_id(const char *text, const char *punctuation)
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

static int read_id(const struct reader *in, struct language *language)
{
    if (read_text(in, "id", true, &language->id) != 0)
        return -1;
    if (!is_id(language->id, "-_."))
        return complain(in, "id", "must be 1 to 32 of a-z, 0-9, '-', '_' and '.', a letter or digit first");
    return 0;
}

static int check_folder(const struct reader *in, const char *folder, const struct language *language)
{
    if (strcmp(language->id, folder) == 0)
        return 0;
    return error_set(in->error, ERROR_INVALID, "id: must be the folder's name, %s", folder);
}

static int read_aliases(const struct reader *in, struct language *language)
{
    const json_t *array = json_object_get(in->object, "aliases");
    bool none = array == NULL || (json_is_array(array) && json_array_size(array) == 0);
    if (none) {
        language->aliases = calloc(1, sizeof *language->aliases);
        return language->aliases == NULL ? complain(in, "aliases", "out of memory") : 0;
    }
    if (read_strings(in, "aliases", &language->aliases) != 0)
        return -1;
    for (char **alias = language->aliases; *alias != NULL; alias++)
        if (!is_id(*alias, "-_.+#"))
            return complain(in, "aliases",
                            "each must be 1 to 32 of a-z, 0-9 and '-_.+#' (lower case), a letter or digit first");
    return 0;
}

static int read_image(const struct reader *in, struct language *language)
{
    if (read_name(in, "image", false, &language->image) != 0)
        return -1;
    if (language->image == NULL && asprintf(&language->image, "codecell/%s", language->id) < 0) {
        language->image = NULL;
        return complain(in, "image", "out of memory");
    }
    return 0;
}

/* The name that the program gets in the working folder. */
static int read_file_name(const struct reader *in, struct language *language)
{
    if (read_name(in, "file", true, &language->file) != 0)
        return -1;
    const char *file = language->file;
    if (strchr(file, '/') != NULL || strcmp(file, ".") == 0 || strcmp(file, "..") == 0 || strlen(file) > 255)
        return complain(in, "file", "must be a file's name, without a folder");
    return 0;
}

static int read_compile(const struct reader *in, struct language *language)
{
    struct reader inside;
    int found = open_object(in, "compile", false, "compile.", (const char *const[]){"argv", "timeout", NULL}, &inside);
    if (found != 0)
        return found < 0 ? -1 : 0;
    const json_t *timeout = json_object_get(inside.object, "timeout");
    int64_t seconds = LANGUAGE_COMPILE_TIMEOUT;
    if (timeout != NULL && (json_as_integer(timeout, &seconds) != 0 || seconds < 1 || seconds > 300))
        return complain(&inside, "timeout", "must be an integer from 1 to 300");
    language->compile_ms = (uint64_t)seconds * 1000;
    return read_argv(&inside, &language->compile);
}

static bool is_variable(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    while (isalnum((unsigned char)*name) || *name == '_')
        name++;
    return *name == '\0';
}

static int read_environment(const struct reader *in, struct language *language)
{
    json_t *object = json_object_get(in->object, "environment"), *value;
    size_t count = json_object_size(object), i = 0;
    if (object != NULL && (!json_is_object(object) || count > LANGUAGE_STRINGS_MAX))
        return complain(in, "environment", "must be an object of at most 128 strings");
    char **env = language->env = calloc(count + 1, sizeof *env);
    if (env == NULL)
        return complain(in, "environment", "out of memory");
    const char *name;
    json_object_foreach (object, name, value) {
        if (!is_variable(name))
            return complain(in, "environment", "a name must match [A-Za-z_][A-Za-z0-9_]*");
        if (!is_text(value))
            return error_set(in->error, ERROR_INVALID, "environment.%s: must be a string without NUL", name);
        if (asprintf(&env[i], "%s=%s", name, json_string_value(value)) < 0) {
            env[i] = NULL;
            return complain(in, "environment", "out of memory");
        }
        i++;
    }
    return 0;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* A server whose maxima are below the defaults offers its maxima; what the file itself says must fit. */
static int read_limits(const struct reader *in, const struct limits *defaults, const struct limits *maxima,
                       struct language *language)
{
    const struct cell_limits *usual = &defaults->cell, *most = &maxima->cell;
    language->limits = (struct limits){.cell = {.milli_cpus = smaller(usual->milli_cpus, most->milli_cpus),
                                                .memory_mb = smaller(usual->memory_mb, most->memory_mb),
                                                .disk_mb = smaller(usual->disk_mb, most->disk_mb),
                                                .processes = smaller(usual->processes, most->processes)},
                                       .output_kb = smaller(defaults->output_kb, maxima->output_kb)};
    const json_t *object = json_object_get(in->object, "limits");
    if (object == NULL)
        return 0;
    json_t *unknown = json_array();
    int failed = limits_read(&language->limits, object, maxima, unknown, in->error);
    if (failed == 0 && json_array_size(unknown) > 0)
        failed = complain(in, json_string_value(json_array_get(unknown, 0)), "unknown field");
    json_decref(unknown);
    return failed;
}

static int read_example(const struct reader *in, struct language *language)
{
    struct reader inside;
    if (open_object(in, "example", true, "example.", (const char *const[]){"code", "stdin", "stdout", NULL}, &inside) !=
        0)
        return -1;
    if (read_name(&inside, "code", true, &language->example_code) != 0 ||
        read_text(&inside, "stdin", false, &language->example_stdin) != 0)
        return -1;
    return read_text(&inside, "stdout", true, &language->example_stdout);
}

/* Absent is false. */
static int read_boolean(const struct reader *in, const char *name, bool *out)
{
    const json_t *value = json_object_get(in->object, name);
    if (value != NULL && !json_is_boolean(value))
        return complain(in, name, "must be true or false");
    *out = json_is_true(value);
    return 0;
}

static int read_waiting(const struct reader *in, bool *waiting, enum frame_hold *hold)
{
    const json_t *value = json_object_get(in->object, "waiting");
    bool early = json_is_string(value) && strcmp(json_string_value(value), "getuid") == 0;
    if (value != NULL && !json_is_boolean(value) && !early)
        return complain(in, "waiting", "must be true, false or \"getuid\"");
    *waiting = early || json_is_true(value);
    *hold = early ? FRAME_HOLD_GETUID : FRAME_HOLD_FILE;
    return 0;
}

/* Set by the fields before it: compile, run, environment, limits, id, image. */
static int read_kind(const struct reader *in, struct language *language)
{
    bool exec, waiting;
    enum frame_hold hold;
    if (read_boolean(in, "exec", &exec) != 0 || read_waiting(in, &waiting, &hold) != 0)
        return -1;
    language->kind = (struct cell_kind){.language = language->id,
                                        .image = language->image,
                                        .exec = language->compile != NULL || exec,
                                        .waiting_hold = hold,
                                        .limits = language->limits.cell};
    if (!waiting)
        return 0;
    if (run_command_build(&language->waiting, language->run, language->env, language->limits.cell.milli_cpus, NULL,
                          NULL) != 0)
        return complain(in, "waiting", "out of memory");
    language->kind.waiting_env = language->waiting.env;
    language->kind.waiting_argv = language->waiting.argv;
    return 0;
}

static int read_all(const struct reader *in, const char *folder, const struct limits *defaults,
                    const struct limits *maxima, struct language *language)
{
    static const char *const known[] = {"id",       "name", "aliases",     "image",   "file",
                                        "compile",  "run",  "environment", "limits",  "version",
                                        "packages", "exec", "waiting",     "example", NULL};
    bool failed =
        only_known(in, known) != 0 || read_id(in, language) != 0 || read_name(in, "name", true, &language->name) != 0 ||
        read_aliases(in, language) != 0 || read_image(in, language) != 0 || read_file_name(in, language) != 0 ||
        read_compile(in, language) != 0 || read_command(in, "run", true, "run.", &language->run) != 0 ||
        read_environment(in, language) != 0 || read_limits(in, defaults, maxima, language) != 0 ||
        read_command(in, "version", true, "version.", &language->version_argv) != 0 ||
        read_command(in, "packages", false, "packages.", &language->packages_argv) != 0 ||
        read_example(in, language) != 0 || read_kind(in, language) != 0 || check_folder(in, folder, language) != 0;
    return failed ? -1 : 0;
}

struct language *language_read(const char *json, size_t len, const char *id, const struct limits *defaults,
                               const struct limits *maxima, struct error *error)
{
    json_t *root = json_parse(json, len, error);
    if (root == NULL)
        return NULL;
    struct language *language = calloc(1, sizeof *language);
    struct reader in = {.object = root, .prefix = "", .error = error};
    int failed = -1;
    if (language == NULL)
        error_set(error, ERROR_INTERNAL, "out of memory");
    else if (!json_is_object(root))
        error_set(error, ERROR_INVALID, "must be an object");
    else
        failed = read_all(&in, id, defaults, maxima, language);
    json_decref(root);
    if (failed == 0)
        return language;
    language_free(language);
    return NULL;
}

static void free_strings(char **strings)
{
    for (char **string = strings; string != NULL && *string != NULL; string++)
        free(*string);
    free(strings);
}

void language_free(struct language *language)
{
    if (language == NULL)
        return;
    free(language->id);
    free(language->name);
    free(language->image);
    free(language->file);
    free_strings(language->aliases);
    free_strings(language->compile);
    free_strings(language->run);
    free_strings(language->version_argv);
    free_strings(language->packages_argv);
    free_strings(language->env);
    run_command_clear(&language->waiting);
    free(language->example_code);
    free(language->example_stdin);
    free(language->example_stdout);
    free(language->version);
    free(language->fingerprint);
    json_decref(language->packages);
    free(language);
}
