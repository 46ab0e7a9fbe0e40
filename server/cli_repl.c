/* `codecell repl`: a kernel on the server, with the lines and the history of a prompt.
 *
 *   a workspace's session is made ─ lines until they are a cell ─ the cell runs (live_program) ─ … ─ it is deleted
 *
 * SIGINT drops what is typed, or interrupts the cell that runs. The end of the input ends the command. */
#include "base/text.h"
#include "cli.h"
#include "client/line.h"
#include "client/live_program.h"
#include "client/repl_input.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSIONS "/api/v1/sessions"
#define TTL_S 3600 /* of a session that could not be deleted */
#define CELL_S 300 /* the server's maximum: ctrl-C is there for less */
#define CELL_MAX ((size_t)1 << 20)
#define ID_MAX 128
#define PATH_MAX_BYTES ((size_t)1024)

static const struct repl_language {
    const char *name, *prompt, *more;
    enum repl_syntax syntax;
} repl_languages[] = {
    {"python", ">>> ", "... ", REPL_PYTHON},
    {"javascript", "> ", "... ", REPL_JAVASCRIPT},
};

struct repl {
    const struct repl_language *language;
    const char *version; /* NULL: the newest */
    struct remote remote;
    char session[ID_MAX + 1];
    struct signals signals;
    struct line_reader *lines;
    bool mid_line; /* what was printed last has no line end */
    bool refused;  /* a cell did not run */
    bool plain;    /* the server allows less than CELL_S */
    int ended_by;  /* a signal, or 0 */
};

/* The session. */

static int repl_begin(struct repl *repl, struct error *error)
{
    json_t *body = json_pack("{s:b, s:s, s:s*, s:i}", "workspace", 1, "language", repl->language->name, "version",
                             repl->version, "ttl_seconds", TTL_S);
    json_t *session = body != NULL ? remote_json(&repl->remote, "POST", SESSIONS, body, error) : NULL;
    const char *id = json_string_value(json_object_get(session, "session_id"));

    json_decref(body);
    if (session != NULL && id == NULL)
        error_set(error, ERROR_UNAVAILABLE, "the server made no session");
    else if (session != NULL)
        text_copy(repl->session, sizeof repl->session, id);
    json_decref(session);
    return repl->session[0] != '\0' ? 0 : -1;
}

/* It ends by itself later if this fails. */
static void repl_end(const struct repl *repl)
{
    struct buf path;
    struct error error;

    buf_init(&path, PATH_MAX_BYTES);
    if (buf_puts(&path, SESSIONS "/") == 0 && remote_escape(&path, repl->session, false) == 0)
        json_decref(remote_json(&repl->remote, "DELETE", path.data, NULL, &error));
    buf_free(&path);
}

/* What a cell prints. */

static void repl_print(void *arg, bool is_stderr, const char *data, size_t len)
{
    struct repl *repl = arg;
    FILE *to = is_stderr ? stderr : stdout;

    fwrite(data, 1, len, to);
    fflush(to);
    if (len > 0)
        repl->mid_line = data[len - 1] != '\n';
}

/* The terminal has shown what was typed. */
static void repl_on_input(void *arg, const char *data, size_t len)
{
    ((struct repl *)arg)->mid_line = data[len - 1] != '\n';
}

static void repl_end_line(struct repl *repl)
{
    if (repl->mid_line)
        putchar('\n');
    repl->mid_line = false;
    fflush(stdout);
}

static void repl_print_line(struct repl *repl, const char *text)
{
    repl_end_line(repl);
    puts(text);
    fflush(stdout);
}

/* A value as text, or the names of what it is if it has none. */
static void print_value(struct repl *repl, const json_t *value)
{
    const char *text = json_string_value(json_object_get(value, "text/plain")), *name;
    json_t *datum;
    char line[256] = "";

    if (text == NULL) {
        json_object_foreach ((json_t *)value, name, datum) {
            size_t at = strlen(line);
            snprintf(line + at, sizeof line - at, "%s%s", at == 0 ? "[" : ", ", name);
        }
        strncat(line, "]", sizeof line - strlen(line) - 1);
        text = line;
    }
    repl_print_line(repl, text);
}

/* The last expression's value is one of `results`, too. */
static void print_answer(struct repl *repl, const json_t *answer)
{
    const char *result = json_string_value(json_object_get(answer, "result"));
    const char *detail = json_string_value(json_object_get(answer, "detail")), *text;
    const json_t *value, *warning;
    bool shown = false;
    size_t i;

    json_array_foreach (json_object_get(answer, "results"), i, value) {
        print_value(repl, value);
        text = json_string_value(json_object_get(value, "text/plain"));
        shown = shown || (text != NULL && result != NULL && strcmp(text, result) == 0);
    }
    if (result != NULL && !shown)
        repl_print_line(repl, result);
    if (line_is_typed(repl->lines))
        repl_end_line(repl);
    if (detail != NULL)
        cli_failed("%s", detail);
    json_array_foreach (json_object_get(answer, "warnings"), i, warning)
        cli_failed("%s", json_string_value(warning));
}

/* Cells. */

/* False: the server refused the time limit, and the cell should run with its own. */
static bool repl_try_cell(struct repl *repl, const struct buf *code)
{
    struct live_program program = {.input = line_is_typed(repl->lines) ? STDIN_FILENO : -1,
                                   .signals = &repl->signals,
                                   .interrupts = true,
                                   .on_output = repl_print,
                                   .on_input = repl_on_input,
                                   .arg = repl};
    struct error error;
    json_t *seconds = repl->plain ? NULL : json_integer(CELL_S);
    json_t *request =
        json_pack("{s:s%, s:s, s:s*, s:s, s:b, s:o*}", "code", code->data, code->len, "language", repl->language->name,
                  "version", repl->version, "session_id", repl->session, "kernel", 1, "timeout", seconds);

    if (request == NULL)
        error_set(&error, ERROR_INVALID, "the input is not UTF-8");
    bool failed = request == NULL || live_program_open(&program, &repl->remote, request, &error) != 0 ||
                  live_program_run(&program, &error) != 0;
    bool too_long = !repl->plain && live_program_refused(&program, "timeout");
    if (failed && !too_long)
        cli_failed("%s", error.text);
    else if (program.answer != NULL)
        print_answer(repl, program.answer);
    repl->refused = repl->refused || (failed && !too_long);
    repl->plain = repl->plain || too_long;
    repl->ended_by = program.ended_by;
    live_program_close(&program);
    json_decref(request);
    return !too_long;
}

static void repl_run_cell(struct repl *repl, const struct buf *code)
{
    if (!repl_try_cell(repl, code))
        (void)repl_try_cell(repl, code);
}

static bool is_blank(const struct buf *text)
{
    return text->len == 0 || strspn(text->data, " \t\r\n") == text->len;
}

/* Reads lines until they are a cell. */
static enum line_found repl_read_cell(struct repl *repl, struct buf *cell)
{
    enum line_found found;

    do
        found = line_read(repl->lines, cell->len == 0 ? repl->language->prompt : repl->language->more, cell);
    while (found == LINE_READ && !repl_input_is_whole(repl->language->syntax, cell->data, cell->len));
    return found;
}

/* False: the command is over. */
static bool repl_turn(struct repl *repl, struct buf *cell)
{
    buf_reset(cell);
    enum line_found found = repl_read_cell(repl, cell);
    bool ends_open = found == LINE_END && !is_blank(cell) && !line_is_typed(repl->lines);

    if (found == LINE_DROPPED)
        return true;
    if (found == LINE_SIGNAL)
        repl->ended_by = line_signal(repl->lines);
    if (found == LINE_FAILED)
        cli_failed("the input is too long");
    if (found != LINE_READ && !ends_open)
        return false;
    if (is_blank(cell))
        return true;
    if (repl_input_is_exit(cell->data, cell->len))
        return false;
    line_remember(repl->lines, cell->data);
    repl_run_cell(repl, cell);
    return repl->ended_by == 0 && !ends_open;
}

static int repl_talk(struct repl *repl)
{
    char name[64], path[4096];
    struct buf cell;

    snprintf(name, sizeof name, "%s.history", repl->language->name);
    bool keeps = line_history_path(name, path, sizeof path) == 0;
    repl->lines = line_open(keeps ? path : NULL, &repl->signals);
    if (repl->lines == NULL)
        return cli_failed(ERROR_MEMORY_SENTENCE);
    if (line_is_typed(repl->lines))
        printf("codecell %s: a kernel for %s at %s. ctrl-C interrupts, ctrl-D ends.\n", CODECELL_VERSION,
               repl->language->name, repl->remote.url);
    buf_init(&cell, CELL_MAX);
    while (repl_turn(repl, &cell))
        ;
    buf_free(&cell);
    int status = repl->refused && !line_is_typed(repl->lines) ? CLI_FAILED : CLI_OK;
    line_close(repl->lines);
    return status;
}

static const struct repl_language *find_language(const char *name)
{
    for (size_t i = 0; i < sizeof repl_languages / sizeof *repl_languages; i++)
        if (strcmp(repl_languages[i].name, name) == 0)
            return &repl_languages[i];
    return NULL;
}

int cli_repl(int argc, char **argv, const struct config *config)
{
    struct repl repl = {.signals = {.fd = -1}};
    const char *language;
    const struct cli_option options[] = {{.name = "--version", .value = &repl.version}, {.name = NULL}};
    struct error error;

    if (cli_parse(argc, argv, options, &language) != CLI_OK)
        return CLI_USAGE;
    repl.language = find_language(language);
    if (repl.language == NULL)
        return cli_misused("%s has no kernel; python and javascript have one", language);
    if (remote_init(&repl.remote, config->url, config->key, &error) != 0 || repl_begin(&repl, &error) != 0)
        return cli_failed("%s", error.text);
    int status = signals_open(&repl.signals, false) == 0 ? repl_talk(&repl) : cli_failed("signals cannot be read");
    signals_close(&repl.signals);
    repl_end(&repl);
    if (repl.ended_by != 0)
        signals_die(repl.ended_by);
    return status;
}
