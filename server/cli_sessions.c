/* Commands on the sessions of the server at CODECELL_URL, and on the files of their workspaces. */
#include "cli.h"
#include "client/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSION_PATH_MAX ((size_t)16 << 10)

/* The path of a session, or of a file in it (`file` may be NULL). 0, or -1. */
static int session_path(struct buf *out, const char *id, const char *file)
{
    buf_init(out, SESSION_PATH_MAX);
    if (buf_puts(out, "/api/v1/sessions/") != 0 || remote_escape(out, id, false) != 0)
        return -1;
    return file == NULL || (buf_puts(out, "/files/") == 0 && remote_escape(out, file, true) == 0) ? 0 : -1;
}

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "-";
}

/* Lists. */

#define SESSION_ROW "%-38s  %-9s  %-12s  %10s  %s\n"

static void print_session(const json_t *session)
{
    char executions[24];

    snprintf(executions, sizeof executions, "%lld",
             (long long)json_integer_value(json_object_get(session, "executions")));
    printf(SESSION_ROW, text_at(session, "session_id"), text_at(session, "state"), text_at(session, "language"),
           executions, text_at(session, "expires_at"));
}

/* Prints a page, and sets `path` to the next one's; returns whether there is one. */
static bool print_page(const json_t *page, struct buf *path)
{
    const char *cursor = json_string_value(json_object_get(page, "next_cursor"));
    const json_t *session;
    size_t i;

    json_array_foreach (json_object_get(page, "items"), i, session)
        print_session(session);
    buf_reset(path);
    return cursor != NULL && buf_puts(path, "/api/v1/sessions?cursor=") == 0 && remote_escape(path, cursor, false) == 0;
}

int cli_session_list(int argc, char **argv, const struct config *config)
{
    struct remote remote;
    struct error error;
    struct buf path;
    bool more = true;

    if (cli_parse(argc, argv, NULL, NULL) != CLI_OK)
        return CLI_USAGE;
    if (remote_init(&remote, config->url, config->key, &error) != 0)
        return cli_failed("%s", error.text);
    buf_init(&path, SESSION_PATH_MAX);
    (void)buf_puts(&path, "/api/v1/sessions");
    printf(SESSION_ROW, "SESSION", "STATE", "LANGUAGE", "EXECUTIONS", "EXPIRES");
    while (more) {
        json_t *page = remote_json(&remote, "GET", path.data, NULL, &error);
        if (page == NULL)
            break;
        more = print_page(page, &path);
        json_decref(page);
    }
    buf_free(&path);
    return more ? cli_failed("%s", error.text) : CLI_OK;
}

/* Making and deleting. */

int cli_session_create(int argc, char **argv, const struct config *config)
{
    const char *id = NULL, *ttl = NULL, *language = NULL;
    bool workspace = false;
    const struct cli_option options[] = {{.name = "--id", .value = &id},
                                         {.name = "--ttl", .value = &ttl},
                                         {.name = "--language", .value = &language},
                                         {.name = "--workspace", .flag = &workspace},
                                         {.name = NULL}};
    struct remote remote;
    struct error error;

    if (cli_parse(argc, argv, options, NULL) != CLI_OK)
        return CLI_USAGE;
    if (remote_init(&remote, config->url, config->key, &error) != 0)
        return cli_failed("%s", error.text);
    json_t *body = json_pack("{s:s*, s:s*, s:o*, s:o*}", "session_id", id, "language", language, "ttl_seconds",
                             ttl != NULL ? json_integer(strtoll(ttl, NULL, 10)) : NULL, "workspace",
                             workspace ? json_true() : NULL);
    json_t *session = body != NULL ? remote_json(&remote, "POST", "/api/v1/sessions", body, &error) : NULL;
    json_decref(body);
    if (session == NULL)
        return cli_failed("%s", error.text);
    puts(text_at(session, "session_id"));
    json_decref(session);
    return CLI_OK;
}

int cli_session_delete(int argc, char **argv, const struct config *config)
{
    const char *id;
    struct remote remote;
    struct error error;
    struct buf path;

    if (cli_parse(argc, argv, NULL, &id) != CLI_OK)
        return CLI_USAGE;
    if (remote_init(&remote, config->url, config->key, &error) != 0)
        return cli_failed("%s", error.text);
    json_t *answer = NULL;
    if (session_path(&path, id, NULL) == 0)
        answer = remote_json(&remote, "DELETE", path.data, NULL, &error);
    buf_free(&path);
    if (answer == NULL)
        return cli_failed("%s", error.text);
    puts(text_at(answer, "message"));
    json_decref(answer);
    return CLI_OK;
}

/* Files. */

/* What `push` and `pull` are called with. */
struct copy_command {
    const char *session, *from, *to;
};

/* False after a sentence. */
static bool copy_parse(int argc, char **argv, struct copy_command *command)
{
    if (argc < 2 || argc > 3) {
        cli_misused("the arguments are SESSION PATH [TO]");
        return false;
    }
    *command = (struct copy_command){argv[0], argv[1], argc == 3 ? argv[2] : NULL};
    if (command->to == NULL) {
        const char *slash = strrchr(command->from, '/');
        command->to = slash != NULL ? slash + 1 : command->from;
    }
    return true;
}

/* Sends a call about a file of a session. */
static int copy_send(const struct config *config, const char *session, const char *file, struct remote_call *call)
{
    struct remote remote;
    struct remote_answer answer;
    struct error error;
    struct buf path;
    int status = CLI_FAILED;

    if (remote_init(&remote, config->url, config->key, &error) != 0)
        return cli_failed("%s", error.text);
    if (session_path(&path, session, file) != 0) {
        buf_free(&path);
        return cli_failed("the path is too long");
    }
    call->path = path.data;
    call->progress = isatty(STDERR_FILENO);
    if (remote_send(&remote, call, &answer, &error) == 0) {
        status = remote_is_good(&answer, &error) ? CLI_OK : CLI_FAILED;
        remote_free(&answer);
    }
    buf_free(&path);
    return status == CLI_OK ? CLI_OK : cli_failed("%s", error.text);
}

int cli_push(int argc, char **argv, const struct config *config)
{
    struct copy_command command;

    if (!copy_parse(argc, argv, &command))
        return CLI_USAGE;
    FILE *file = strcmp(command.from, "-") == 0 ? stdin : fopen(command.from, "re");
    if (file == NULL)
        return cli_failed("%s: %s", command.from, strerror(errno));
    struct remote_call call = {.method = "PUT", .type = "application/octet-stream", .file = file};
    int status = copy_send(config, command.session, command.to, &call);
    if (file != stdin)
        fclose(file);
    return status;
}

static int pull_on_data(void *arg, const char *data, size_t len)
{
    return fwrite(data, 1, len, arg) == len ? 0 : -1;
}

/* The file here is replaced when all of it has come. */
static int pull_to(const struct config *config, const struct copy_command *command)
{
    char part[4096];
    struct remote_call call = {.method = "GET", .on_data = pull_on_data};

    if (snprintf(part, sizeof part, "%s.part", command->to) >= (int)sizeof part)
        return cli_failed("the path is too long");
    FILE *file = fopen(part, "we");
    if (file == NULL)
        return cli_failed("%s: %s", part, strerror(errno));
    call.arg = file;
    int status = copy_send(config, command->session, command->from, &call);
    if (fclose(file) != 0 && status == CLI_OK)
        status = cli_failed("%s: %s", part, strerror(errno));
    if (status == CLI_OK && rename(part, command->to) != 0)
        status = cli_failed("%s: %s", command->to, strerror(errno));
    if (status != CLI_OK)
        (void)unlink(part);
    return status;
}

int cli_pull(int argc, char **argv, const struct config *config)
{
    struct copy_command command;
    struct remote_call call = {.method = "GET", .on_data = pull_on_data, .arg = stdout};

    if (!copy_parse(argc, argv, &command))
        return CLI_USAGE;
    if (strcmp(command.to, "-") == 0)
        return copy_send(config, command.session, command.from, &call);
    return pull_to(config, &command);
}
