#include "http/request_head.h"

#include "http/request.h"
#include "http/request_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int malformed(struct http_request *request, const char *why)
{
    http_request_fail(request, ERROR_INVALID, "Malformed request: %s", why);
    return -1;
}

bool http_list_has(const char *list, const char *token)
{
    size_t len = strlen(token);
    while (*list != '\0') {
        list += strspn(list, " \t,");
        size_t item = strcspn(list, ",");
        size_t end = item;
        while (end > 0 && (list[end - 1] == ' ' || list[end - 1] == '\t'))
            end--;
        if (end == len && len > 0 && strncasecmp(list, token, len) == 0)
            return true;
        list += item;
    }
    return false;
}

/* "HTTP/1.1" or "HTTP/1.0". Another number is a version that we do not speak. Anything else is not HTTP. */
static int check_http_version(struct http_request *request, const char *text)
{
    bool numbered = strlen(text) == 8 && strncmp(text, "HTTP/", 5) == 0 && text[5] >= '0' && text[5] <= '9' &&
                    text[6] == '.' && text[7] >= '0' && text[7] <= '9';
    if (!numbered)
        return malformed(request, "a request line that does not end in HTTP/1.1");
    if (text[5] != '1' || text[7] > '1') {
        http_request_fail(request, ERROR_VERSION, "HTTP version not supported: only HTTP/1.0 and HTTP/1.1 are");
        return -1;
    }
    request->minor = (unsigned)(text[7] - '0');
    return 0;
}

static int check_method(struct http_request *request, const char *method)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(method, known[i]) == 0) {
            request->method = known[i];
            return 0;
        }
    }
    if (strcmp(method, "CONNECT") == 0)
        return malformed(request, "CONNECT is not supported");
    if (!http_is_token(method))
        return malformed(request, "a method that is not a token");
    http_request_fail(request, ERROR_NOT_IMPLEMENTED,
                      "Method not implemented: only GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS are");
    return -1;
}

static int check_target(struct http_request *request, const char *target)
{
    enum error_code code;
    const char *why = http_target_parse(&request->target, target, strcmp(request->method, "OPTIONS") == 0, &code);
    if (why == NULL)
        return 0;
    return code == ERROR_MEMORY ? http_request_out_of_memory(request) : malformed(request, why);
}

int http_head_check_line(struct http_request *request, char *line)
{
    char *target = strchr(line, ' ');
    char *version = strrchr(line, ' ');
    if (target == NULL || target + 1 >= version || memchr(target + 1, ' ', (size_t)(version - target - 1)) != NULL)
        return malformed(request, "a request line that is not a method, a target and a version");
    *target++ = '\0';
    *version++ = '\0';
    int rc = 0;
    if (check_http_version(request, version) != 0 || check_method(request, line) != 0 ||
        check_target(request, target) != 0)
        rc = -1;
    target[-1] = ' ';
    version[-1] = ' ';
    return rc;
}

static unsigned header_lines(const struct http_request *request, const char *name, const char **value)
{
    unsigned lines = 0;
    for (unsigned i = 0; i < request->count; i++) {
        if (strcasecmp(request->text.data + request->headers[i].name, name) != 0)
            continue;
        *value = request->text.data + request->headers[i].value;
        lines++;
    }
    return lines;
}

static int check_host_line(struct http_request *request)
{
    const char *host = "";
    unsigned lines = header_lines(request, "Host", &host);
    if (lines > 1 || (lines == 0 && request->minor == 1))
        return malformed(request, "exactly one Host header is needed");
    return http_is_host(host, strlen(host), true) ? 0 : malformed(request, "invalid Host header");
}

static int check_length(struct http_request *request, const char *text)
{
    char *end;
    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
        return malformed(request, "a Content-Length that is not a number");
    errno = 0;
    request->content_length = strtoll(text, &end, 10);
    return errno == 0 ? 0 : malformed(request, "a Content-Length that is not a number");
}

/* Where the body ends: one of the two headers, once, or there is no body (RFC 9112, section 6.3). */
static int check_framing(struct http_request *request)
{
    const char *length = NULL;
    const char *coding = NULL;
    unsigned lengths = header_lines(request, "Content-Length", &length);
    unsigned codings = header_lines(request, "Transfer-Encoding", &coding);
    if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0))
        return malformed(request, "more than one header that says where the body ends");
    if (codings == 1 && (request->minor == 0 || strcasecmp(coding, "chunked") != 0))
        return malformed(request, "a Transfer-Encoding other than chunked");
    request->chunked = codings == 1;
    return lengths == 0 ? 0 : check_length(request, length);
}

static int check_expect(struct http_request *request)
{
    const char *expect = http_request_header(request, "Expect");
    if (expect == NULL || request->minor == 0)
        return 0;
    if (strcasecmp(expect, "100-continue") != 0) {
        http_request_fail(request, ERROR_EXPECTATION, "Expect: only 100-continue is supported");
        return -1;
    }
    request->expects = true;
    return 0;
}

/* Appends a string that lies in the same buffer. */
static int append_own(struct buf *text, size_t offset)
{
    size_t len = strlen(text->data + offset);
    if (buf_reserve(text, len + 1) != 0)
        return -1;
    return buf_append(text, text->data + offset, len);
}

static bool same_name(const struct http_request *request, unsigned a, unsigned b)
{
    const char *text = request->text.data;
    return strcasecmp(text + request->headers[a].name, text + request->headers[b].name) == 0;
}

/* Several lines of one name become one value, "a, b" (RFC 9110, section 5.2), kept as the first's. */
static int join_lines(struct http_request *request, unsigned first)
{
    struct buf *text = &request->text;
    size_t joined = text->len;
    int rc = append_own(text, request->headers[first].value);
    for (unsigned i = first + 1; i < request->count && rc == 0; i++) {
        if (same_name(request, first, i))
            rc = buf_append(text, ", ", 2) != 0 || append_own(text, request->headers[i].value) != 0;
    }
    if (rc != 0 || buf_append(text, "", 1) != 0)
        return http_request_out_of_memory(request);
    request->headers[first].value = joined;
    return 0;
}

static bool is_repeated(const struct http_request *request, unsigned index, bool before)
{
    for (unsigned i = before ? 0 : index + 1; i < (before ? index : request->count); i++) {
        if (same_name(request, i, index))
            return true;
    }
    return false;
}

static int join_repeated(struct http_request *request)
{
    for (unsigned i = 0; i < request->count; i++) {
        if (is_repeated(request, i, false) && !is_repeated(request, i, true) && join_lines(request, i) != 0)
            return -1;
    }
    return 0;
}

static void read_connection(struct http_request *request)
{
    const char *connection = http_request_header(request, "Connection");
    if (connection == NULL)
        connection = "";
    request->keep_alive =
        !http_list_has(connection, "close") && (request->minor == 1 || http_list_has(connection, "keep-alive"));
}

int http_head_check(struct http_request *request)
{
    if (check_host_line(request) != 0 || check_framing(request) != 0 || join_repeated(request) != 0 ||
        check_expect(request) != 0)
        return -1;
    read_connection(request);
    return 0;
}
