/* `codecell mcp`: a server of MCP over standard input and output, for hosts that start a command. It forwards each line
 * to the face at CODECELL_URL, and prints what comes back.
 *
 *   a line ─ relay_line ─ POST ─ plain JSON, or events ─ a line each
 *                │          └ no answer: a JSON-RPC error
 *                └ notifications/cancelled: the request's connection is closed, which ends its program
 *
 * At the end of the input it ends as soon as the last request is answered. */
#include "cli.h"

#include "base/container_of.h"
#include "base/curl_loop.h"
#include "base/error.h"
#include "base/event_stream.h"
#include "base/json.h"
#include "base/list.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <uv.h>

#define MESSAGE_MAX ((size_t)1 << 30) /* bytes of a line, and of an answer */
#define READ_SIZE 65536
#define CONNECT_S 10L
#define IDLE_MAX 8
#define HEADER_MAX 128 /* bytes of a header's value that we send */
#define REFUSED (-32000)
#define PARSE_ERROR (-32700)

struct relay {
    uv_loop_t loop;
    struct curl_loop curl;
    uv_fs_t reading;
    char input[READ_SIZE];
    uv_buf_t input_buf;
    struct buf line;      /* its beginning */
    struct list requests; /* of struct request */
    char url[2048];
    const char *key;          /* "": none */
    char version[HEADER_MAX]; /* what initialize has agreed on; "": nothing yet */
    char session[HEADER_MAX]; /* the server's Mcp-Session-Id; "": none */
    bool ended;               /* the input */
    int status;               /* of the command */
};

struct request {
    struct transfer transfer;
    struct list node;
    struct relay *relay;
    json_t *message; /* what was sent */
    char *body;
    struct curl_slist *headers;
    bool is_events;
    struct event_stream events;
    struct buf answer; /* if it is no stream */
};

/* The output. A line holds no line end, and outside of strings JSON has none but as white space. */
static void relay_print(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\n' || text[i] == '\r')
            text[i] = ' ';
    fwrite(text, 1, len, stdout);
    fputc('\n', stdout);
    fflush(stdout);
}

static void print_json(const json_t *value)
{
    size_t len;
    char *text = value != NULL ? json_text(value, &len) : NULL;

    if (text != NULL)
        relay_print(text, len);
    free(text);
}

/* Answers a request with an error of our own; a notification gets none. */
static void print_error(const json_t *message, int code, const char *sentence)
{
    json_t *id = json_object_get(message, "id");

    if (message != NULL && id == NULL)
        return;
    json_t *value = json_pack("{s:s, s:o, s:{s:i, s:s}}", "jsonrpc", "2.0", "id",
                              id != NULL ? json_incref(id) : json_null(), "error", "code", code, "message", sentence);
    print_json(value);
    json_decref(value);
}

/* A request's end. */

static void request_free(struct request *request)
{
    struct relay *relay = request->relay;

    list_remove(&request->node);
    if (request->transfer.easy != NULL)
        curl_easy_cleanup(request->transfer.easy);
    curl_slist_free_all(request->headers);
    event_stream_free(&request->events);
    buf_free(&request->answer);
    json_decref(request->message);
    free(request->body);
    free(request);
    if (relay->ended && list_is_empty(&relay->requests))
        uv_stop(&relay->loop);
}

static bool is_method(const json_t *message, const char *name)
{
    const char *method = json_string_value(json_object_get(message, "method"));

    return method != NULL && strcmp(method, name) == 0;
}

/* Later requests name the version that the server has chosen. */
static void learn_version(struct request *request, const json_t *answer)
{
    const char *version = json_string_value(json_object_get(json_object_get(answer, "result"), "protocolVersion"));

    if (version != NULL && is_method(request->message, "initialize"))
        text_copy(request->relay->version, sizeof request->relay->version, version);
}

/* What the server refuses before it has read the message has no id. */
static void print_refusal(struct request *request, json_t *answer)
{
    json_t *id = json_object_get(request->message, "id");

    if (id == NULL)
        return;
    if (json_is_null(json_object_get(answer, "id")))
        json_object_set(answer, "id", id);
    print_json(answer);
}

static void request_answered(struct request *request, long status)
{
    struct error error;
    char sentence[128];
    json_t *answer = request->answer.len > 0 ? json_parse(request->answer.data, request->answer.len, &error) : NULL;

    if (answer != NULL && json_is_null(json_object_get(answer, "id"))) {
        print_refusal(request, answer);
    } else if (answer != NULL) {
        learn_version(request, answer);
        relay_print(request->answer.data, request->answer.len);
    } else if (status != 202) {
        snprintf(sentence, sizeof sentence, "The server's answer has status %ld and is no JSON", status);
        print_error(request->message, REFUSED, sentence);
    }
    json_decref(answer);
}

static void request_done(struct transfer *transfer, CURLcode code)
{
    struct request *request = container_of(transfer, struct request, transfer);
    char sentence[2200];
    long status = 0;

    curl_loop_remove(&request->relay->curl, transfer);
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK) {
        snprintf(sentence, sizeof sentence, "No answer from %s: %s", request->relay->url, curl_easy_strerror(code));
        print_error(request->message, REFUSED, sentence);
    } else if (!request->is_events) {
        request_answered(request, status);
    }
    request_free(request);
}

/* What comes back. */

static void request_on_event(void *arg, const char *name, const char *data, size_t len)
{
    char *line = strndup(data, len);

    (void)arg, (void)name;
    if (line != NULL)
        relay_print(line, len);
    free(line);
}

static size_t request_on_body(char *data, size_t size, size_t count, void *arg)
{
    struct request *request = arg;
    int rc = request->is_events ? event_stream_feed(&request->events, data, size * count)
                                : buf_append(&request->answer, data, size * count);

    return rc == 0 ? size * count : 0; /* less than all: curl ends the transfer */
}

/* The value of the header line, if it is the header `name`. */
static bool header_value(const char *line, size_t len, const char *name, char out[HEADER_MAX])
{
    size_t name_len = strlen(name);

    if (len <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
        return false;
    line += name_len + 1;
    len -= name_len + 1;
    while (len > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL)
        len--;
    snprintf(out, HEADER_MAX, "%.*s", (int)(len < HEADER_MAX ? len : HEADER_MAX - 1), line);
    return true;
}

static size_t request_on_header(char *line, size_t size, size_t count, void *arg)
{
    struct request *request = arg;
    char value[HEADER_MAX];

    if (header_value(line, size * count, "Content-Type", value))
        request->is_events = strncasecmp(value, "text/event-stream", 17) == 0;
    else if (header_value(line, size * count, "Mcp-Session-Id", value))
        text_copy(request->relay->session, sizeof request->relay->session, value);
    return size * count;
}

/* A request's start. */

/* A value that could not stand in a header is left out, and the server says what it misses. */
static int add_header(struct request *request, const char *name, const char *value)
{
    char header[HEADER_MAX + 64];

    if (value == NULL || *value == '\0' || strlen(value) >= HEADER_MAX)
        return 0;
    for (const char *at = value; *at != '\0'; at++)
        if (*at < 0x20 || *at == 0x7f)
            return 0;
    snprintf(header, sizeof header, "%s: %s", name, value);
    struct curl_slist *more = curl_slist_append(request->headers, header);
    if (more == NULL)
        return -1;
    request->headers = more;
    return 0;
}

/* Headers that repeat parts of the message: a modern one has its version in it, a legacy one that of initialize. */
static int add_headers(struct request *request)
{
    const struct relay *relay = request->relay;
    const json_t *params = json_object_get(request->message, "params");
    const char *version =
        json_string_value(json_object_get(json_object_get(params, "_meta"), "io.modelcontextprotocol/protocolVersion"));
    const char *method = json_string_value(json_object_get(request->message, "method"));
    char bearer[HEADER_MAX] = "";

    if (*relay->key != '\0')
        snprintf(bearer, sizeof bearer, "Bearer %s", relay->key);
    if (add_header(request, "Content-Type", "application/json") != 0 ||
        add_header(request, "Accept", "application/json, text/event-stream") != 0 ||
        add_header(request, "Authorization", bearer) != 0)
        return -1;
    if (version == NULL && !is_method(request->message, "initialize"))
        return add_header(request, "MCP-Protocol-Version", relay->version) != 0
                   ? -1
                   : add_header(request, "Mcp-Session-Id", relay->session);
    if (version == NULL)
        return 0;
    if (add_header(request, "MCP-Protocol-Version", version) != 0 || add_header(request, "Mcp-Method", method) != 0)
        return -1;
    return add_header(request, "Mcp-Name", json_string_value(json_object_get(params, "name")));
}

static int request_start(struct request *request, size_t len)
{
    CURL *easy = request->transfer.easy = curl_easy_init();

    if (easy == NULL || request->body == NULL || add_headers(request) != 0)
        return -1;
    curl_easy_setopt(easy, CURLOPT_URL, request->relay->url);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, request_on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, request_on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    request->transfer.done = request_done;
    return curl_loop_add(&request->relay->curl, &request->transfer);
}

static void relay_forward(struct relay *relay, json_t *message, const char *line, size_t len)
{
    struct request *request = calloc(1, sizeof *request);

    if (request == NULL) {
        print_error(message, REFUSED, ERROR_MEMORY_SENTENCE);
        json_decref(message);
        return;
    }
    *request = (struct request){.relay = relay, .message = message, .body = malloc(len)};
    event_stream_init(&request->events, MESSAGE_MAX, request_on_event, request);
    buf_init(&request->answer, MESSAGE_MAX);
    list_push(&relay->requests, &request->node);
    if (request->body != NULL)
        memcpy(request->body, line, len);
    if (request_start(request, len) == 0)
        return;
    print_error(message, REFUSED, ERROR_MEMORY_SENTENCE);
    request_free(request);
}

/* The lines. */

static void relay_cancel(struct relay *relay, const json_t *message)
{
    const json_t *id = json_object_get(json_object_get(message, "params"), "requestId");

    LIST_EACH (node, &relay->requests) {
        struct request *request = container_of(node, struct request, node);
        if (id == NULL || !json_equal(json_object_get(request->message, "id"), id))
            continue;
        curl_loop_remove(&relay->curl, &request->transfer);
        request_free(request);
        return;
    }
}

static void relay_line(struct relay *relay, const char *line, size_t len)
{
    struct error error;

    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (len == 0)
        return;
    json_t *message = json_parse(line, len, &error);
    if (message == NULL) {
        print_error(NULL, PARSE_ERROR, error.text);
    } else if (is_method(message, "notifications/cancelled")) {
        relay_cancel(relay, message);
        json_decref(message);
    } else {
        relay_forward(relay, message, line, len);
    }
}

static void relay_read(struct relay *relay);

static void relay_end(struct relay *relay, int status)
{
    relay->status = status;
    relay->ended = true;
    if (status == CLI_OK && relay->line.len > 0)
        relay_line(relay, relay->line.data, relay->line.len);
    if (status != CLI_OK || list_is_empty(&relay->requests))
        uv_stop(&relay->loop);
}

/* Takes the lines out of what was read. 0, or -1: a line is too long. */
static int relay_take(struct relay *relay, const char *bytes, size_t len)
{
    const char *end;

    while ((end = memchr(bytes, '\n', len)) != NULL) {
        size_t piece = (size_t)(end - bytes);
        if (buf_append(&relay->line, bytes, piece) != 0)
            return -1;
        relay_line(relay, relay->line.data, relay->line.len);
        buf_reset(&relay->line);
        bytes += piece + 1;
        len -= piece + 1;
    }
    return buf_append(&relay->line, bytes, len);
}

static void relay_on_read(uv_fs_t *reading)
{
    struct relay *relay = container_of(reading, struct relay, reading);
    ssize_t n = reading->result;

    uv_fs_req_cleanup(reading);
    if (n == 0)
        relay_end(relay, CLI_OK);
    else if (n < 0)
        relay_end(relay, cli_failed("standard input cannot be read: %s", uv_strerror((int)n)));
    else if (relay_take(relay, relay->input, (size_t)n) != 0)
        relay_end(relay, cli_failed("a line of standard input is too long"));
    else
        relay_read(relay);
}

/* Reads on a worker thread, because the input may be a file, a pipe or a terminal. */
static void relay_read(struct relay *relay)
{
    relay->input_buf = uv_buf_init(relay->input, sizeof relay->input);
    if (uv_fs_read(&relay->loop, &relay->reading, STDIN_FILENO, &relay->input_buf, 1, -1, relay_on_read) != 0)
        relay_end(relay, cli_failed("out of memory"));
}

static void relay_on_closed(void *arg)
{
    (void)arg;
}

static int relay_run(const struct config *config)
{
    struct relay *relay = calloc(1, sizeof *relay);
    size_t len = strlen(config->url);

    if (relay == NULL || uv_loop_init(&relay->loop) != 0) {
        free(relay);
        return cli_failed("out of memory");
    }
    while (len > 0 && config->url[len - 1] == '/')
        len--;
    snprintf(relay->url, sizeof relay->url, "%.*s/mcp", (int)len, config->url);
    relay->key = config->key;
    list_init(&relay->requests);
    buf_init(&relay->line, MESSAGE_MAX);
    curl_loop_open(&relay->curl, &relay->loop, IDLE_MAX);
    relay_read(relay);
    uv_run(&relay->loop, UV_RUN_DEFAULT);
    LIST_EACH (node, &relay->requests)
        request_free(container_of(node, struct request, node));
    curl_loop_close(&relay->curl, relay_on_closed, NULL);
    uv_run(&relay->loop, UV_RUN_DEFAULT);
    uv_loop_close(&relay->loop);
    buf_free(&relay->line);
    int status = relay->status;
    free(relay);
    return status;
}

int cli_mcp(int argc, char **argv, const struct config *config)
{
    if (cli_parse(argc, argv, NULL, NULL) != CLI_OK)
        return CLI_USAGE;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int status = relay_run(config);
    curl_global_cleanup();
    return status;
}
