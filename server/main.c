#include "app.h"
#include "base/log.h"
#include "cli.h"
#include "cli_terminal.h"

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

static void print_help(void);
static void print_version(void);

static const struct command {
    const char *words, *arguments, *help, *example; /* an example may be NULL: of what is no command */
    cli_run *run;                                   /* NULL: `plain` */
    bool passes_on;                                 /* the arguments after its own options are a program's */
    void (*plain)(void);
} commands[] = {
    {"serve", "", "run the server; it makes its database if there is none",
     "CODECELL_LISTEN=127.0.0.1:8002 codecell serve", serve, false, NULL},
    {"key create",
     "--name N [--rate N] [--admin | --scopes LIST] [--expires WHEN] [--max-timeout S] [--reuse off|key|any]"
     " [--credits N] [--face NAME] [--prefix cc_|uc-|gw_|a402_]",
     "make a key and print it; LIST: execute, read, admin, with commas between; --admin: all of them; WHEN: 30d or "
     "2030-01-31T00:00:00Z; --face: the only face for which it counts",
     "codecell key create --name course --rate 600 --expires 90d", cli_key_create, false, NULL},
    {"key list", "", "list all keys, without their secrets", "codecell key list", cli_key_list, false, NULL},
    {"key revoke", "ID", "revoke a key; this takes effect at once", "codecell key revoke vaJZ8hik", cli_key_revoke,
     false, NULL},
    {"config", "[--markdown]", "print every setting, its value, and where the value comes from",
     "CODECELL_POOL='python=8' codecell config", cli_config, false, NULL},
    {"languages", "[--remote]",
     "list the languages in the folders, and report what is wrong with them; --remote: list what the server at "
     "CODECELL_URL offers now",
     "codecell languages --remote", cli_languages, false, NULL},
    {"run",
     "[--language L] [--version V] [--timeout S] [--session ID] [--env NAME=VALUE]… [--file PATH]… [--json | -i] FILE "
     "[ARGS…]",
     "run a program on the server at CODECELL_URL as if it ran here; FILE: - is standard input; its language follows "
     "from its extension or its #! line; --file: a file that is put beside it, with its folders if its path is "
     "relative; --json: print the whole answer; -i: the program has this terminal (without a FILE: a prompt of the "
     "language: " TERMINAL_PROMPTS "); the exit status is the program's, or 125 if it did not run",
     "echo World | codecell run --timeout 5 hello.py --verbose\n  codecell run -i --language python", cli_run_file,
     true, NULL},
    {"repl", "[--version V] LANGUAGE",
     "type code into a kernel on the server at CODECELL_URL: LANGUAGE is python or javascript; what is defined stays; "
     "an input goes on while a bracket or a long string is open, and a block of Python up to an empty line; ctrl-C "
     "interrupts, ctrl-D ends and deletes the session",
     "codecell repl python", cli_repl, false, NULL},
    {"sessions list", "", "list the key's sessions on the server at CODECELL_URL", "codecell sessions list",
     cli_session_list, false, NULL},
    {"sessions create", "[--id ID] [--ttl S] [--workspace] [--language L]", "make a session and print its id",
     "codecell sessions create --workspace --language python", cli_session_create, false, NULL},
    {"sessions delete", "ID", "end a session, with its files and records", "codecell sessions delete demo",
     cli_session_delete, false, NULL},
    {"push", "SESSION PATH [TO]", "copy a file into a session's workspace; PATH: - is standard input",
     "codecell push demo data.csv input/data.csv", cli_push, false, NULL},
    {"pull", "SESSION PATH [TO]", "copy a file out of a session's workspace; TO: - is standard output",
     "codecell pull demo plot.png", cli_pull, false, NULL},
    {"health", "", "exit with 0 if the server at CODECELL_LISTEN is healthy, and say what it lacks for capsules",
     "codecell health && echo well", cli_health, false, NULL},
    {"mcp", "", "serve MCP on standard input and output, for hosts that start a command, by the server at CODECELL_URL",
     "CODECELL_KEY=cc_… codecell mcp", cli_mcp, false, NULL},
    {"--version", "", "print the version", NULL, NULL, false, print_version},
    {"--help", "", "print this; after a command: print what that command does", NULL, NULL, false, print_help},
};

#define COMMANDS (sizeof commands / sizeof *commands)

static void print_command(const struct command *command)
{
    printf("  codecell %s%s%s\n        %s\n", command->words, *command->arguments != '\0' ? " " : "",
           command->arguments, command->help);
}

static void print_help_of(const struct command *command)
{
    print_command(command);
    if (command->example != NULL)
        printf("\nFor example:\n  %s\n", command->example);
}

static void print_help(void)
{
    printf("codecell runs other people's programs in locked-down containers, over HTTP.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        print_command(&commands[i]);
    printf("\nSettings are CODECELL_ variables: see 'codecell config' and docs/configuration.md.\n");
}

/* The commands whose first word is `group`, such as "sessions". False: there are none. */
static bool print_group(const char *group)
{
    size_t len = strlen(group);
    bool found = false;

    for (size_t i = 0; i < COMMANDS; i++) {
        if (strncmp(commands[i].words, group, len) != 0 || commands[i].words[len] != ' ')
            continue;
        print_command(&commands[i]);
        found = true;
    }
    return found;
}

static void print_version(void)
{
    puts("codecell " CODECELL_VERSION);
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
    *words = 0;
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

/* A program's own arguments are not asked. */
static bool asks_for_help(const struct command *command, int argc, char **argv)
{
    bool all = command == NULL || !command->passes_on;

    for (int i = 0; i < argc && (all || argv[i][0] == '-'); i++)
        if (strcmp(argv[i], "--help") == 0)
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
    argc -= words;
    argv += words;
    if (asks_for_help(command, argc, argv)) {
        if (command != NULL && command->run != NULL)
            print_help_of(command);
        else if (!print_group(argc > 0 ? argv[0] : ""))
            print_help();
        return main_finish(CLI_OK);
    }
    if (command == NULL)
        return main_refuse(argc, argv);
    if (command->run != NULL)
        return main_finish(run(command, argc, argv));
    command->plain();
    return main_finish(CLI_OK);
}
