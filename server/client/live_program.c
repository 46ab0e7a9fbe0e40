#include "client/live_program.h"

#include "base/json.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_PATH "/api/v1/connect"
#define SUBPROTOCOL "codecell.v1"
#define INPUT_MAX 4096                      /* bytes of one message */
#define QUEUE_FULL ((size_t)256 << 10)      /* bytes that wait to be sent; then the input is left alone */
#define ENCODED_MAX (INPUT_MAX / 3 * 4 + 8) /* base64, with a NUL */

/* What the server says. */

static void take_output(const struct live_program *program, bool is_stderr, const json_t *message)
{
    const json_t *data = json_object_get(message, "data");

    if (json_is_string(data))
        program->on_output(program->arg, is_stderr, json_string_value(data), json_string_length(data));
}

static void take_error(struct live_program *program, const json_t *message)
{
    const char *detail = json_string_value(json_object_get(message, "detail"));

    error_set(&program->refused, ERROR_INVALID, "%s", detail != NULL ? detail : "the server refused it");
}

static void on_live_text(void *arg, const char *text, size_t len)
{
    struct live_program *program = arg;
    json_t *message = json_parse(text, len, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));

    if (type == NULL)
        type = "";
    if (strcmp(type, "stdout") == 0)
        take_output(program, false, message);
    else if (strcmp(type, "stderr") == 0)
        take_output(program, true, message);
    else if (strcmp(type, "error") == 0)
        take_error(program, message);
    else if (strcmp(type, "result") == 0 && program->answer == NULL)
        program->answer = json_incref(message);
    json_decref(message);
}

/* What we say. */

/* Releases the message. 0, or -1. */
static int live_say(struct live_program *program, json_t *message, struct error *error)
{
    size_t len = 0;
    char *text = message != NULL ? json_text(message, &len) : NULL;
    int failed = text == NULL ? -1 : live_socket_send(program->socket, text, len);

    free(text);
    json_decref(message);
    return failed == 0 ? 0 : error_set(error, ERROR_UNAVAILABLE, "a message to the server cannot be sent");
}

static int say_size(struct live_program *program, struct error *error)
{
    struct terminal_size size = terminal_size(program->input);

    return live_say(program, json_pack("{s:s, s:i, s:i}", "type", "resize", "columns", size.columns, "rows", size.rows),
                    error);
}

static int say_input(struct live_program *program, struct error *error)
{
    unsigned char bytes[INPUT_MAX], encoded[ENCODED_MAX];
    ssize_t n = read(program->input, bytes, sizeof bytes);

    if (n <= 0) {
        program->input = -1;
        return live_say(program, json_pack("{s:s}", "type", "eof"), error);
    }
    if (program->on_input != NULL)
        program->on_input(program->arg, (const char *)bytes, (size_t)n);
    EVP_EncodeBlock(encoded, bytes, (int)n);
    return live_say(program,
                    json_pack("{s:s, s:s, s:s}", "type", "stdin", "data", (const char *)encoded, "encoding", "base64"),
                    error);
}

static int live_take_signal(struct live_program *program, struct error *error)
{
    int number = signals_take(program->signals);

    if (number == SIGWINCH)
        return program->has_terminal ? say_size(program, error) : 0;
    if (number == SIGINT && program->interrupts)
        return live_say(program, json_pack("{s:s, s:s}", "type", "signal", "signal", "SIGINT"), error);
    if (number == SIGTSTP) {
        terminal_suspend();
        return say_size(program, error);
    }
    program->ended_by = number;
    return 0;
}

/* The loop. */

int live_program_open(struct live_program *program, const struct remote *remote, const json_t *request,
                      struct error *error)
{
    json_t *start = json_pack("{s:s}", "type", "start");

    program->socket = live_socket_open(remote, CONNECT_PATH, SUBPROTOCOL, on_live_text, program, error);
    if (program->socket == NULL || start == NULL || json_object_update(start, (json_t *)request) != 0) {
        json_decref(start);
        return program->socket == NULL ? -1 : error_memory(error);
    }
    return live_say(program, start, error);
}

static int live_turn(struct live_program *program, struct error *error)
{
    bool listens = program->input >= 0 && live_socket_queued(program->socket) < QUEUE_FULL;
    struct pollfd fds[] = {
        {.fd = live_socket_fd(program->socket), .events = live_socket_events(program->socket)},
        {.fd = program->signals->fd, .events = POLLIN},
        {.fd = listens ? program->input : -1, .events = POLLIN},
    };

    if (poll(fds, sizeof fds / sizeof *fds, live_socket_patience(program->socket)) < 0)
        return 0;
    if (fds[1].revents != 0 && live_take_signal(program, error) != 0)
        return -1;
    if (fds[2].revents != 0 && say_input(program, error) != 0)
        return -1;
    return live_socket_advance(program->socket, error);
}

int live_program_run(struct live_program *program, struct error *error)
{
    while (program->answer == NULL && program->ended_by == 0) {
        int failed = live_turn(program, error);
        if (program->refused.code != ERROR_NONE)
            return error_set(error, program->refused.code, "%s", program->refused.text);
        if (failed != 0 && program->answer == NULL)
            return -1;
        if (program->answer == NULL && live_socket_is_over(program->socket))
            return error_set(error, ERROR_UNAVAILABLE, "the server ended the connection");
    }
    return 0;
}

bool live_program_refused(const struct live_program *program, const char *field)
{
    return program->refused.code != ERROR_NONE && strncmp(program->refused.text, field, strlen(field)) == 0;
}

void live_program_close(struct live_program *program)
{
    live_socket_free(program->socket);
    program->socket = NULL;
    json_decref(program->answer);
    program->answer = NULL;
}
