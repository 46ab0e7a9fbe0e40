#include "cli_terminal.h"

#include "cli.h"
#include "cli_answer.h"
#include "client/live_program.h"

#include <string.h>
#include <unistd.h>

/* The server's usual maxima. */
#define TERMINAL_S 300
#define TERMINAL_OUTPUT_KB 16384

static const struct {
    const char *language, *code;
} prompts[] = {
    {"bash", "exec bash -i"},
    {"python", "import os, sys\nos.execv(sys.executable, [sys.executable, '-q'])"},
    {"javascript", "require('repl').start()"},
};

bool terminal_is_there(void)
{
    return isatty(STDIN_FILENO) == 1;
}

const char *terminal_prompt_of(const char *language)
{
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++)
        if (strcmp(prompts[i].language, language) == 0)
            return prompts[i].code;
    return NULL;
}

/* Writes all of it; a terminal that has gone ends the command by SIGHUP. */
static void print_output(void *arg, bool is_stderr, const char *data, size_t len)
{
    (void)arg, (void)is_stderr;
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, data, len);
        if (n <= 0)
            return;
        data += n;
        len -= (size_t)n;
    }
}

/* The terminal is raw from here to its end. */
static int terminal_talk(struct live_program *program, struct error *error)
{
    struct signals signals;
    int failed = -1;

    if (signals_open(&signals, true) != 0)
        return error_set(error, ERROR_INTERNAL, "signals cannot be read");
    program->signals = &signals;
    if (terminal_raw(STDIN_FILENO) == 0)
        failed = live_program_run(program, error);
    else
        error_set(error, ERROR_INTERNAL, "the terminal cannot be set");
    terminal_restore();
    signals_close(&signals);
    program->signals = NULL;
    return failed;
}

/* The request with more time and more output, because people are slower than programs and look at more. */
static json_t *terminal_wishes(const json_t *request)
{
    json_t *wishes = json_copy((json_t *)request);

    if (json_object_get(wishes, "timeout") == NULL)
        json_object_set_new(wishes, "timeout", json_integer(TERMINAL_S));
    json_object_set_new(wishes, "limits", json_pack("{s:i}", "output_kb", TERMINAL_OUTPUT_KB));
    return wishes;
}

/* 0, with the command's exit status; or -1. *too_much: because the server allows less. */
static int terminal_try(const json_t *request, const struct remote *remote, int *status, bool *too_much,
                        struct error *error)
{
    struct live_program program = {.input = STDIN_FILENO, .has_terminal = true, .on_output = print_output};
    bool failed = live_program_open(&program, remote, request, error) != 0 || terminal_talk(&program, error) != 0;

    *too_much = live_program_refused(&program, "timeout") || live_program_refused(&program, "limits");
    if (program.answer != NULL)
        *status = answer_tell(program.answer);
    int number = program.ended_by;
    live_program_close(&program);
    if (number != 0)
        signals_die(number);
    return failed ? -1 : 0;
}

int terminal_run(json_t *request, const struct config *config)
{
    struct terminal_size size = terminal_size(STDIN_FILENO);
    struct remote remote;
    struct error error;
    bool too_much = false;
    int status = CLI_NOT_RUN;

    json_object_set_new(request, "terminal", json_pack("{s:i, s:i}", "columns", size.columns, "rows", size.rows));
    if (remote_init(&remote, config->url, config->key, &error) != 0)
        return cli_failed("%s", error.text), CLI_NOT_RUN;
    json_t *wishes = terminal_wishes(request);
    int failed = terminal_try(wishes, &remote, &status, &too_much, &error);
    json_decref(wishes);
    if (too_much)
        failed = terminal_try(request, &remote, &status, &too_much, &error);
    if (failed != 0)
        cli_failed("%s", error.text);
    return status;
}
