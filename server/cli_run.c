/* `codecell run`: a file's program on the server at CODECELL_URL, as if it ran here. Standard input and the streams
 * that it prints are the program's, and so is the exit status. What it writes is printed as it comes.
 *
 *   file, options ─ request_of ─ POST, as events ─ stdout, stderr: printed; result: the exit status
 *
 * With --json the answer is printed as it came, whole. With -i the program has a terminal (cli_terminal.h). */
#include "base/event_stream.h"
#include "base/json.h"
#include "base/text.h"
#include "cli.h"
#include "cli_answer.h"
#include "cli_terminal.h"
#include "client/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN_PATH "/api/v1/execute"
#define READ_MAX ((size_t)64 << 20) /* bytes of a file, and of standard input; the server's own limits are lower */
#define NAME_MAX_LEN 64             /* bytes of a language's name */

struct run_command {
    const char *language, *version, *timeout, *session;
    struct cli_list variables, files;
    bool json, interactive;
    const char *path;           /* of the program; "-": standard input; NULL: the language's prompt */
    char *const *args;          /* NULL after the last */
    char guessed[NAME_MAX_LEN]; /* the language, if none is named */
};

/* What the server has said. */
struct run_result {
    struct event_stream events;
    int status; /* the command's; -1: not known yet */
};

/* Reading files. */

static int read_all(FILE *file, struct buf *out)
{
    size_t n;

    do {
        if (buf_reserve(out, 65536) != 0)
            return -1;
        n = fread(out->data + out->len, 1, 65536, file);
        out->len += n;
    } while (n > 0);
    return ferror(file) ? -1 : 0;
}

/* 0, or -1 after a sentence. */
static int read_path(const char *path, struct buf *out)
{
    errno = 0;
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    int failed = file == NULL || read_all(file, out) != 0;

    if (failed)
        cli_failed("%s: %s", path, errno != 0 ? strerror(errno) : "too large");
    if (file != NULL && file != stdin)
        fclose(file);
    return failed ? -1 : 0;
}

/* The text as it is; or NULL if it is not UTF-8, which JSON cannot carry. */
static json_t *text_of(const struct buf *data)
{
    return json_stringn(data->len > 0 ? data->data : "", data->len);
}

/* The request. */

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* The interpreter of a first line such as "#!/usr/bin/env python3 -u", without its folder. */
static void interpreter_of(const struct buf *code, char out[NAME_MAX_LEN])
{
    char line[256], *save, *word;

    out[0] = '\0';
    if (code->len < 3 || memcmp(code->data, "#!", 2) != 0)
        return;
    snprintf(line, sizeof line, "%.*s", (int)strcspn(code->data + 2, "\r\n"), code->data + 2);
    word = strtok_r(line, " \t", &save);
    if (word != NULL && strcmp(file_name(word), "env") == 0)
        do
            word = strtok_r(NULL, " \t", &save);
        while (word != NULL && word[0] == '-');
    if (word != NULL)
        text_copy(out, NAME_MAX_LEN, file_name(word));
}

/* The server knows extensions and interpreters as names of languages. */
static const char *guess_language(struct run_command *command, const struct buf *code)
{
    if (command->language != NULL || command->path == NULL)
        return command->language;
    const char *dot = strrchr(file_name(command->path), '.');
    if (dot != NULL && dot[1] != '\0')
        return dot + 1;
    interpreter_of(code, command->guessed);
    return command->guessed[0] != '\0' ? command->guessed : NULL;
}

static int add_variables(json_t *request, const struct cli_list *variables)
{
    json_t *object = json_object();

    if (variables->len > 0)
        json_object_set(request, "environment", object);
    for (size_t i = 0; i < variables->len; i++) {
        const char *text = variables->items[i], *equals = strchr(text, '=');
        char name[256];
        if (equals == NULL || (size_t)(equals - text) >= sizeof name) {
            json_decref(object);
            return cli_misused("--env takes NAME=VALUE");
        }
        snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
        json_object_set_new(object, name, json_string(equals + 1));
    }
    json_decref(object);
    return CLI_OK;
}

/* A relative path without ".." keeps its folders. */
static const char *path_beside(const char *path)
{
    bool climbs = path[0] == '/' || strstr(path, "..") != NULL;

    return climbs ? file_name(path) : path;
}

static int add_file(json_t *files, const char *path)
{
    struct buf data;
    int failed;

    buf_init(&data, READ_MAX);
    failed = read_path(path, &data);
    if (failed == 0) {
        json_t *text = text_of(&data);
        if (text == NULL)
            cli_failed("%s: not UTF-8; codecell push takes any file into a session", path);
        failed = text == NULL ||
                 json_array_append_new(files, json_pack("{s:s, s:o}", "path", path_beside(path), "content", text)) != 0;
    }
    buf_free(&data);
    return failed ? CLI_FAILED : CLI_OK;
}

static int add_files(json_t *request, const struct cli_list *paths)
{
    json_t *files = json_array();
    int status = CLI_OK;

    for (size_t i = 0; status == CLI_OK && i < paths->len; i++)
        status = add_file(files, paths->items[i]);
    if (paths->len > 0)
        json_object_set(request, "files", files);
    json_decref(files);
    return status;
}

/* The program's standard input is ours, unless it is a terminal or holds the program. */
static int add_input(json_t *request, const struct run_command *command)
{
    struct buf data;
    int status = CLI_OK;

    if (command->interactive || isatty(STDIN_FILENO) || strcmp(command->path, "-") == 0)
        return CLI_OK;
    buf_init(&data, READ_MAX);
    if (read_path("-", &data) != 0 || json_object_set_new(request, "stdin", text_of(&data)) != 0)
        status = cli_failed("standard input cannot be sent: it is too large, or not UTF-8");
    buf_free(&data);
    return status;
}

static int add_options(json_t *request, struct run_command *command, const struct buf *code)
{
    const char *language = guess_language(command, code);
    json_t *args = json_array();

    for (char *const *arg = command->args; *arg != NULL; arg++)
        json_array_append_new(args, json_string(*arg));
    json_object_set_new(request, "args", args);
    if (language != NULL)
        json_object_set_new(request, "language", json_string(language));
    else if (command->session == NULL)
        return cli_misused("%s has no extension and no #! line: name its --language", command->path);
    if (command->version != NULL)
        json_object_set_new(request, "version", json_string(command->version));
    if (command->session != NULL)
        json_object_set_new(request, "session_id", json_string(command->session));
    if (command->timeout != NULL)
        json_object_set_new(request, "timeout", json_integer(strtoll(command->timeout, NULL, 10)));
    return CLI_OK;
}

/* The program's text. */
static int add_code(json_t *request, const struct run_command *command, struct buf *code)
{
    if (command->path == NULL) {
        const char *prompt = terminal_prompt_of(command->language);
        return prompt != NULL ? (json_object_set_new(request, "code", json_string(prompt)), CLI_OK)
                              : cli_misused("-i without a FILE opens a prompt of %s", TERMINAL_PROMPTS);
    }
    if (read_path(command->path, code) != 0)
        return CLI_NOT_RUN;
    return json_object_set_new(request, "code", text_of(code)) == 0
               ? CLI_OK
               : (cli_failed("%s: not UTF-8", command->path), CLI_NOT_RUN);
}

/* NULL after a sentence, with *status. */
static json_t *request_of(struct run_command *command, int *status)
{
    json_t *request = json_object();
    struct buf code;

    buf_init(&code, READ_MAX);
    *status = add_code(request, command, &code);
    if (*status == CLI_OK)
        *status = add_options(request, command, &code);
    if (*status == CLI_OK)
        *status = add_variables(request, &command->variables);
    if (*status == CLI_OK && (add_files(request, &command->files) != CLI_OK || add_input(request, command) != CLI_OK))
        *status = CLI_NOT_RUN;
    buf_free(&code);
    if (*status == CLI_OK)
        return request;
    json_decref(request);
    return NULL;
}

/* The answer. */

static void print_output(FILE *to, const json_t *data)
{
    const json_t *text = json_object_get(data, "data");

    fwrite(json_string_value(text), 1, json_string_length(text), to);
    fflush(to);
}

static void run_on_event(void *arg, const char *name, const char *data, size_t len)
{
    struct run_result *result = arg;
    json_t *value = json_parse(data, len, NULL);

    if (strcmp(name, "stdout") == 0)
        print_output(stdout, value);
    else if (strcmp(name, "stderr") == 0)
        print_output(stderr, value);
    else if (strcmp(name, "result") == 0)
        result->status = answer_tell(value);
    json_decref(value);
}

static int run_on_data(void *arg, const char *data, size_t len)
{
    struct run_result *result = arg;

    return event_stream_feed(&result->events, data, len);
}

/* The exit status. */
static int run_streamed(const struct remote *remote, struct remote_call *call)
{
    struct run_result result = {.status = -1};
    struct remote_answer answer;
    struct error error;

    event_stream_init(&result.events, REMOTE_ANSWER_MAX, run_on_event, &result);
    call->accept = "text/event-stream";
    call->on_data = run_on_data;
    call->arg = &result;
    bool there = remote_send(remote, call, &answer, &error) == 0, good = there && remote_is_good(&answer, &error);
    if (there)
        remote_free(&answer);
    event_stream_free(&result.events);
    if (!good || result.status < 0)
        cli_failed("%s", !good ? error.text : "the answer was cut");
    return good && result.status >= 0 ? result.status : CLI_NOT_RUN;
}

/* A program that could not be run has an answer, too, but no exit code. */
static int run_as_json(const struct remote *remote, const struct remote_call *call)
{
    struct remote_answer answer;
    struct error error;

    if (remote_send(remote, call, &answer, &error) != 0)
        return cli_failed("%s", error.text), CLI_NOT_RUN;
    json_t *value = json_parse(answer.body.data, answer.body.len, NULL), *code = json_object_get(value, "exit_code");
    int status = json_is_integer(code) ? (int)json_integer_value(code) : CLI_NOT_RUN;
    fwrite(answer.body.data, 1, answer.body.len, stdout);
    putchar('\n');
    json_decref(value);
    remote_free(&answer);
    return status;
}

static int run_request(const json_t *request, const struct run_command *command, const struct config *config)
{
    struct remote remote;
    struct error error;
    size_t len;
    int status = CLI_NOT_RUN;
    char *text = json_text(request, &len);

    if (text == NULL)
        return cli_failed(ERROR_MEMORY_SENTENCE), CLI_NOT_RUN;
    struct remote_call call = {
        .method = "POST", .path = RUN_PATH, .type = "application/json", .data = text, .len = len};
    if (remote_init(&remote, config->url, config->key, &error) != 0)
        cli_failed("%s", error.text);
    else
        status = command->json ? run_as_json(&remote, &call) : run_streamed(&remote, &call);
    free(text);
    return status;
}

/* CLI_OK, or CLI_USAGE after a sentence. */
static int check_command(const struct run_command *command)
{
    if (!command->interactive)
        return command->path != NULL ? CLI_OK : cli_misused("a file is missing");
    if (command->json)
        return cli_misused("-i and --json exclude each other");
    if (command->path == NULL && command->language == NULL)
        return cli_misused("-i needs a FILE or a --language");
    if (command->path != NULL && strcmp(command->path, "-") == 0)
        return cli_misused("-i needs standard input for the terminal, so it cannot hold the program");
    return terminal_is_there() ? CLI_OK : cli_misused("-i needs a terminal, and standard input is none");
}

int cli_run_file(int argc, char **argv, const struct config *config)
{
    struct run_command command = {.path = NULL};
    const struct cli_option options[] = {{.name = "--language", .value = &command.language},
                                         {.name = "--version", .value = &command.version},
                                         {.name = "--timeout", .value = &command.timeout},
                                         {.name = "--session", .value = &command.session},
                                         {.name = "--env", .list = &command.variables},
                                         {.name = "--file", .list = &command.files},
                                         {.name = "--json", .flag = &command.json},
                                         {.name = "-i", .flag = &command.interactive},
                                         {.name = NULL}};
    int used, status;

    if (cli_parse_first(argc, argv, options, &used) != CLI_OK)
        return CLI_USAGE;
    command.path = used < argc ? argv[used] : NULL;
    command.args = used < argc ? argv + used + 1 : argv + argc;
    if (check_command(&command) != CLI_OK)
        return CLI_USAGE;
    json_t *request = request_of(&command, &status);
    if (request == NULL)
        return status;
    status = command.interactive ? terminal_run(request, config) : run_request(request, &command, config);
    json_decref(request);
    return status;
}
