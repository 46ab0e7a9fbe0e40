#include "languages/language_file.h"

#include "base/json.h"
#include "languages/language_version_file.h"

#include <stdlib.h>
#include <string.h>

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

static int read_id(const struct reader *in, const char *folder, struct language *language)
{
    if (reader_text(in, "id", true, &language->id) != 0)
        return -1;
    if (!is_id(language->id, "-_."))
        return reader_fail(in, "id", "must be 1 to 32 of a-z, 0-9, '-', '_' and '.', a letter or digit first");
    return strcmp(language->id, folder) == 0
               ? 0
               : error_set(in->error, ERROR_INVALID, "id: must be the folder's name, %s", folder);
}

int language_aliases_read(const struct reader *in, char ***out)
{
    const json_t *array = json_object_get(in->object, "aliases");

    if (array == NULL || (json_is_array(array) && json_array_size(array) == 0)) {
        *out = calloc(1, sizeof **out);
        return *out == NULL ? reader_fail(in, "aliases", "out of memory") : 0;
    }
    if (reader_strings(in, "aliases", out) != 0)
        return -1;
    for (char **alias = *out; *alias != NULL; alias++)
        if (!is_id(*alias, "-_.+#"))
            return reader_fail(in, "aliases",
                               "each must be 1 to 32 of a-z, 0-9 and '-_.+#' (lower case), a letter or digit first");
    return 0;
}

/* The name that the program gets in the working folder. */
static int read_file_name(const struct reader *in, struct language *language)
{
    if (reader_name(in, "file", true, &language->file) != 0)
        return -1;
    const char *file = language->file;
    if (strchr(file, '/') != NULL || strcmp(file, ".") == 0 || strcmp(file, "..") == 0 || strlen(file) > 255)
        return reader_fail(in, "file", "must be a file's name, without a folder");
    return 0;
}

static int read_line_ends(const struct reader *in, struct language *language)
{
    const json_t *value = json_object_get(in->object, "line_ends");

    language->lines_lf = reader_is_text(value) && strcmp(json_string_value(value), "lf") == 0;
    return value == NULL || language->lines_lf ? 0 : reader_fail(in, "line_ends", "must be \"lf\"");
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
    struct limits_overrides overrides;
    int failed = limits_read(&overrides, object, maxima, unknown, in->error);
    if (failed == 0)
        failed = limits_override(&language->limits, &overrides, maxima, in->error);
    if (failed == 0 && json_array_size(unknown) > 0)
        failed = reader_fail(in, json_string_value(json_array_get(unknown, 0)), "unknown field");
    json_decref(unknown);
    return failed;
}

static int read_example(const struct reader *in, struct language *language)
{
    struct reader inside;

    if (reader_enter(in, "example", true, (const char *const[]){"code", "stdin", "stdout", NULL}, &inside) != 0 ||
        reader_name(&inside, "code", true, &language->example_code) != 0 ||
        reader_text(&inside, "stdin", false, &language->example_stdin) != 0)
        return -1;
    return reader_text(&inside, "stdout", true, &language->example_stdout);
}

static int read_all(const struct reader *in, const char *folder, const struct limits *defaults,
                    const struct limits *maxima, struct language *language)
{
    static const char *const known[] = {"id",       "name",    "aliases",     "image",   "file",
                                        "compile",  "run",     "environment", "limits",  "version",
                                        "packages", "waiting", "versions",    "example", "line_ends",
                                        "least",    "live",    "proven",      NULL};
    bool failed = reader_known(in, known) != 0 || read_id(in, folder, language) != 0 ||
                  reader_name(in, "name", true, &language->name) != 0 ||
                  language_aliases_read(in, &language->aliases) != 0 || read_file_name(in, language) != 0 ||
                  read_line_ends(in, language) != 0 || read_limits(in, defaults, maxima, language) != 0 ||
                  language_versions_read(in, maxima, language) != 0 || read_example(in, language) != 0;

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

void language_free(struct language *language)
{
    if (language == NULL)
        return;
    free(language->id);
    free(language->name);
    free(language->file);
    strings_free(language->aliases);
    language_versions_free(language);
    free(language->example_code);
    free(language->example_stdin);
    free(language->example_stdout);
    free(language);
}
