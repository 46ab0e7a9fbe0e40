#include "cli.h"

#include "client/remote.h"
#include "languages/catalog.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Sentences. */

static void say(const char *format, va_list args)
{
    fputs("codecell: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int cli_misused(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
    fputs("Try 'codecell --help'.\n", stderr);
    return CLI_USAGE;
}

int cli_failed(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
    return CLI_FAILED;
}

/* Arguments. */

/* The option of this name, `*value` what follows its "=", or NULL. */
static const struct cli_option *find_option(const struct cli_option *options, const char *argument, const char **value)
{
    size_t len = strcspn(argument, "=");

    *value = argument[len] == '=' ? argument + len + 1 : NULL;
    for (; options != NULL && options->name != NULL; options++)
        if (strlen(options->name) == len && memcmp(options->name, argument, len) == 0)
            return options;
    return NULL;
}

/* Gives an option its value. */
static int set_option(const struct cli_option *option, const char *value)
{
    if (option->list == NULL) {
        *option->value = value;
        return CLI_OK;
    }
    if (option->list->len == CLI_LIST_MAX)
        return cli_misused("%s may come %d times", option->name, CLI_LIST_MAX);
    option->list->items[option->list->len++] = value;
    return CLI_OK;
}

/* Reads the option at argv[*at], and its value if that is the next argument. */
static int read_option(int argc, char **argv, int *at, const struct cli_option *options)
{
    const char *value;
    const struct cli_option *option = find_option(options, argv[*at], &value);

    if (option == NULL)
        return cli_misused("unknown option: %s", argv[*at]);
    bool is_flag = option->value == NULL && option->list == NULL;
    if (is_flag && value != NULL)
        return cli_misused("%s takes no value", option->name);
    if (is_flag) {
        *option->flag = true;
        return CLI_OK;
    }
    if (value == NULL && *at + 1 == argc)
        return cli_misused("%s needs a value", option->name);
    return set_option(option, value != NULL ? value : argv[++*at]);
}

int cli_parse_first(int argc, char **argv, const struct cli_option *options, int *used)
{
    int at = 0;

    for (; at < argc && argv[at][0] == '-' && argv[at][1] != '\0'; at++) {
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        if (read_option(argc, argv, &at, options) != CLI_OK)
            return CLI_USAGE;
    }
    *used = at;
    return CLI_OK;
}

int cli_parse(int argc, char **argv, const struct cli_option *options, const char **operand)
{
    const char *found = NULL;

    for (int i = 0; i < argc; i++) {
        bool is_option = strncmp(argv[i], "--", 2) == 0;
        if (is_option && read_option(argc, argv, &i, options) != CLI_OK)
            return CLI_USAGE;
        if (!is_option && (operand == NULL || found != NULL))
            return cli_misused("unexpected argument: %s", argv[i]);
        if (!is_option)
            found = argv[i];
    }
    if (operand != NULL && found == NULL)
        return cli_misused("an argument is missing");
    if (operand != NULL)
        *operand = found;
    return CLI_OK;
}

/* Config. */

int cli_config(int argc, char **argv, const struct config *config)
{
    bool markdown = false;
    const struct cli_option options[] = {{.name = "--markdown", .flag = &markdown}, {.name = NULL}};

    if (cli_parse(argc, argv, options, NULL) != CLI_OK)
        return CLI_USAGE;
    if (markdown)
        config_print_markdown(stdout);
    else
        config_print(config, environ, stdout);
    return CLI_OK;
}

/* Languages. */

static void cli_complain(const char *sentence, void *broken)
{
    cli_failed("%s", sentence);
    ++*(size_t *)broken;
}

#define LANGUAGE_ROW "%-18s  %-8s  %-27s  "

static void language_print_row(const char *id, const struct language_version *version, char *const *aliases)
{
    printf(LANGUAGE_ROW, id, version->compile != NULL ? "compiled" : "-", version->image);
    for (size_t i = 0; aliases[i] != NULL; i++)
        printf("%s%s", i == 0 ? "" : ",", aliases[i]);
    putchar('\n');
}

/* Prints a language, and its further versions below it. These have no numbers here, because only a server asks their
 * images. */
static void print_language(const struct language *language)
{
    char id[LANGUAGE_ID_MAX + VERSION_NAME_MAX + 2];

    language_print_row(language->id, language->versions, language->aliases);
    for (size_t i = 1; i < language->versions_len; i++) {
        const struct language_version *version = &language->versions[i];
        snprintf(id, sizeof id, "  %s", version->name != NULL ? version->name : "version");
        language_print_row(id, version, version->aliases);
    }
}

static const char *string_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

#define OFFERED_ROW "%-18s  %-22s  "

static void print_offered(const json_t *language)
{
    const json_t *aliases = json_object_get(language, "aliases"), *alias;
    size_t i;

    printf(OFFERED_ROW, string_at(language, "id"), string_at(language, "version"));
    json_array_foreach (aliases, i, alias)
        printf("%s%s", i == 0 ? "" : ",", json_string_value(alias));
    putchar('\n');
}

/* What the server at CODECELL_URL offers now. */
static int offered_languages(const struct config *config)
{
    struct remote remote;
    struct error error;
    const json_t *language;
    size_t i;

    json_t *answer = remote_init(&remote, config->url, config->key, &error) == 0
                         ? remote_json(&remote, "GET", "/api/v1/languages", NULL, &error)
                         : NULL;
    if (answer == NULL)
        return cli_failed("%s", error.text);
    printf(OFFERED_ROW "%s\n", "ID", "VERSION", "ALIASES");
    json_array_foreach (json_object_get(answer, "languages"), i, language)
        print_offered(language);
    json_decref(answer);
    return CLI_OK;
}

int cli_languages(int argc, char **argv, const struct config *config)
{
    bool offered = false;
    const struct cli_option options[] = {{.name = "--remote", .flag = &offered}, {.name = NULL}};

    if (cli_parse(argc, argv, options, NULL) != CLI_OK)
        return CLI_USAGE;
    if (offered)
        return offered_languages(config);
    const struct limits maxima = {
        .cell = {.milli_cpus = (uint32_t)config->max_milli_cpus,
                 .memory_mb = (uint32_t)config->max_memory_mb,
                 .disk_mb = (uint32_t)config->max_disk_mb,
                 .processes = (uint32_t)config->max_processes},
        .output_kb = (uint32_t)config->max_output_kb,
    };
    struct catalog *languages;
    struct error error;
    size_t broken = 0;
    if (catalog_load(&languages, config->languages, &limits_defaults, &maxima, cli_complain, &broken, &error) != 0)
        return cli_failed("%s", error.text);
    printf(LANGUAGE_ROW "%s\n", "ID", "KIND", "IMAGE", "ALIASES");
    for (size_t i = 0; i < catalog_count(languages); i++)
        print_language(catalog_at(languages, i));
    catalog_free(languages);
    return broken == 0 ? CLI_OK : CLI_FAILED;
}
