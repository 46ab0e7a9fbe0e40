#include "api/connect_read.h"

#include "base/json.h"
#include "base/text.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

/* By enum connect_type. */
static const char *const type_names[] = {
    [CONNECT_KEY] = "key",
    [CONNECT_START] = "start",
    [CONNECT_STDIN] = "stdin",
    [CONNECT_EOF] = "eof",
    [CONNECT_SIGNAL] = "signal",
    [CONNECT_RESIZE] = "resize",
    NULL,
};

static const char *const signal_names[] = {"SIGINT",  "SIGTERM", "SIGKILL",  "SIGHUP", "SIGUSR1",
                                           "SIGUSR2", "SIGQUIT", "SIGWINCH", NULL};
static const uint32_t signal_numbers[] = {SIGINT, SIGTERM, SIGKILL, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGWINCH};

enum { UTF8, BASE64 };
static const char *const encodings[] = {[UTF8] = "utf8", [BASE64] = "base64", NULL};

static const struct field type_list[] = {
    {.name = "type",
     .type = FIELD_CHOICE,
     .required = true,
     .choices = type_names,
     .at = offsetof(struct connect_message, type)},
};
static const struct field key_list[] = {
    {.name = "key", .type = FIELD_TEXT, .at = offsetof(struct connect_message, key)},
};
static const struct field stdin_list[] = {
    {.name = "data",
     .type = FIELD_BYTES,
     .required = true,
     .at = offsetof(struct connect_message, data),
     .len_at = offsetof(struct connect_message, data_len)},
    {.name = "encoding", .type = FIELD_CHOICE, .choices = encodings, .at = offsetof(struct connect_message, encoding)},
};
static const struct field signal_list[] = {
    {.name = "signal",
     .type = FIELD_CHOICE,
     .required = true,
     .choices = signal_names,
     .at = offsetof(struct connect_message, signal)},
};

#define SIZE(name_, at_, meaning_)                                                                                   \
    {                                                                                                                \
        .name = (name_), .type = FIELD_INTEGER, .required = true, .least = 1, .most = CONNECT_SIZE_MAX, .at = (at_), \
        .meaning = (meaning_)                                                                                        \
    }

static const struct field resize_list[] = {
    SIZE("columns", offsetof(struct connect_message, columns), NULL),
    SIZE("rows", offsetof(struct connect_message, rows), NULL),
};

/* By enum connect_type; a start message has a reader of its own, and eof has no fields. */
static const struct fields types = FIELDS(type_list, 0),
                           message_fields[] = {
                               [CONNECT_KEY] = FIELDS(key_list, 0),       [CONNECT_START] = {.list = NULL},
                               [CONNECT_STDIN] = FIELDS(stdin_list, 0),   [CONNECT_EOF] = {.list = NULL},
                               [CONNECT_SIGNAL] = FIELDS(signal_list, 0), [CONNECT_RESIZE] = FIELDS(resize_list, 0),
};

static int leave_out(void *arg, const char *path)
{
    (void)arg, (void)path;
    return 0;
}

static int decode(struct connect_message *message, struct error *error)
{
    char *bytes = arena_alloc(&message->arena, message->data_len / 4 * 3 + 1);

    if (bytes == NULL)
        return error_memory(error);
    long len = text_base64_decode(message->data, message->data_len, bytes);
    if (len < 0)
        return error_set(error, ERROR_INVALID, "data: must be base64 with padding (RFC 4648, section 4)");
    message->data = bytes;
    message->data_len = (size_t)len;
    return 0;
}

static int finish(struct connect_message *message, struct error *error)
{
    if (message->type == CONNECT_SIGNAL)
        message->number = signal_numbers[message->signal];
    return message->type == CONNECT_STDIN && message->encoding == BASE64 ? decode(message, error) : 0;
}

int connect_read(struct connect_message *message, char *text, size_t len, struct error *error)
{
    const struct fields_reading reading = {
        .arena = &message->arena, .error = error, .null_is_absent = true, .unknown = leave_out};
    json_t *tree = json_parse(text, len, error);

    if (tree == NULL)
        return -1;
    if (arena_adopt(&message->arena, tree, json_release) != 0)
        return error_memory(error);
    if (!json_is_object(tree))
        return error_set(error, ERROR_INVALID, "a message must be a JSON object");
    if (fields_read(&types, tree, &reading, message) != 0 ||
        fields_read(&message_fields[message->type], tree, &reading, message) != 0)
        return -1;
    return finish(message, error);
}

void connect_message_free(struct connect_message *message)
{
    arena_free(&message->arena);
}

/* Start. */

static const char *const start_names[] = {"start", NULL};

static const struct field terminal_list[] = {
    SIZE("columns", offsetof(struct request_terminal, columns), "characters in a line"),
    SIZE("rows", offsetof(struct request_terminal, rows), "lines"),
};
static const struct fields terminal_fields = FIELDS(terminal_list, sizeof(struct request_terminal));

static const struct field own_list[] = {
    {.name = "type",
     .type = FIELD_CHOICE,
     .required = true,
     .choices = start_names,
     .at = FIELD_NOWHERE,
     .meaning = "what the message is"},
    {.name = "terminal",
     .type = FIELD_OBJECT,
     .inside = &terminal_fields,
     .at = offsetof(struct execution_request, terminal),
     .fallback = "null",
     .meaning = "a terminal of this size in place of pipes"},
};

#define OWN (sizeof own_list / sizeof *own_list)
#define ALL_MAX 40

static struct field all_list[ALL_MAX];
static struct fields all = {.list = all_list, .size = sizeof(struct execution_request)};

static void join(void)
{
    size_t count = execute_fields.count < ALL_MAX - OWN ? execute_fields.count : ALL_MAX - OWN;

    memcpy(all_list, own_list, sizeof own_list);
    memcpy(all_list + OWN, execute_fields.list, count * sizeof *all_list);
    all.count = OWN + count;
}

const struct fields *connect_start_fields(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, join);
    return &all;
}

int connect_read_start(struct execution_request *request, char *text, size_t len, const struct execute_rules *rules,
                       size_t *cost, struct error *error)
{
    if (execute_read_by(connect_start_fields(), request, text, len, rules, cost, error) != 0)
        return -1;
    return request->kernel && request->terminal.columns > 0
               ? error_set(error, ERROR_INVALID, "terminal: a kernel has none")
               : 0;
}
