#include "app.h"
#include "base/log.h"
#include "cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int serve(int argc, char **argv, const struct config *config)
{
    if (cli_parse(argc, argv, NULL, NULL) != CLI_OK)
        return CLI_USAGE;
    log_setup((enum log_level)config->log_level, (enum log_format)config->log_format, STDERR_FILENO);
    return app_serve(config);
}

static const struct command {
    const char *words, *arguments, *help;
    cli_run *run;
} commands[] = {
    {"serve", "", "run the server; it makes its database if there is none", serve},
    {"key create",
     "--name N [--rate N] [--scopes LIST] [--expires WHEN] [--max-timeout S] [--reuse off|key] [--credits N]"
     " [--face NAME] [--prefix cc_|uc-|gw_|a402_]",
     "make a key and print it; LIST: execute, read, admin, with commas between; WHEN: 30d or 2030-01-31T00:00:00Z;"
     " --face: the only face for which it counts",
     cli_key_create},
    {"key list", "", "list all keys, without their secrets", cli_key_list},
    {"key revoke", "ID", "revoke a key; this takes effect at once", cli_key_revoke},
    {"config", "[--markdown]", "print every setting, its value, and where the value comes from", cli_config},
    {"languages", "", "list the languages in the folders, and report what is wrong with them", cli_languages},
    {"health", "", "exit with 0 if the server at CODECELL_LISTEN is healthy", cli_health},
    {"mcp", "", "serve MCP on standard input and output, for hosts that start a command, by the server at CODECELL_URL",
     cli_mcp},
    {"--version", "", "print the version", NULL},
    {"--help", "", "print this", NULL},
};

#define COMMANDS (sizeof commands / sizeof *commands)

static void print_help(void)
{
    printf("codecell runs other people's programs in locked-down containers, over HTTP.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  codecell %s%s%s\n        %s\n", commands[i].words, *commands[i].arguments != '\0' ? " " : "",
               commands[i].arguments, commands[i].help);
    printf("\nSettings are CODECELL_ variables: see 'codecell config' and docs/configuration.md.\n");
}

/* How many arguments the words of a command take; 0: the arguments are another command. */
static int match(const char *words, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        size_t len = strcspn(words, " ");
        if (strlen(argv[i]) != len || memcmp(argv[i], words, len) != 0)
            return 0;
        if (words[len] == '\0')
            return i + 1;
        words += len + 1;
    }
    return 0;
}

static const struct command *find_command(int argc, char **argv, int *words)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if ((*words = match(commands[i].words, argc, argv)) > 0)
            return &commands[i];
    return NULL;
}

/* The sentence names two words, because "key" alone is not a command. */
static int main_refuse(int argc, char **argv)
{
    if (argc == 0)
        return cli_misused("a command is missing");
    bool pair = argc > 1 && strncmp(argv[1], "--", 2) != 0;
    return cli_misused("unknown command: %s%s%s", argv[0], pair ? " " : "", pair ? argv[1] : "");
}

static bool asks_for(const char *option, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], option) == 0)
            return true;
    return false;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct config config;
    struct error error;

    if (config_load(&config, environ, &error) != 0) {
        cli_failed("%s", error.text);
        return CLI_USAGE;
    }
    int status = command->run(argc, argv, &config);
    config_free(&config);
    return status;
}

/* An answer that could not be written (a full disk, a closed pipe) is a failure, too. */
static int main_finish(int status)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    return status != CLI_OK ? status : cli_failed("standard output cannot be written");
}

int main(int argc, char **argv)
{
    int words;

    argc--;
    argv++;
    const struct command *command = find_command(argc, argv, &words);
    if (asks_for("--help", argc, argv)) {
        print_help();
        return main_finish(CLI_OK);
    }
    if (command == NULL)
        return main_refuse(argc, argv);
    if (command->run == NULL) {
        puts("codecell " CODECELL_VERSION);
        return main_finish(CLI_OK);
    }
    return main_finish(run(command, argc - words, argv + words));
}
