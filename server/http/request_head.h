/* What a request's head must say, beyond the form of its lines (request_scan.h): exactly one reading of where the
 * message ends, one host, and nothing that another server might understand in another way. */
#ifndef CODECELL_HTTP_REQUEST_HEAD_H
#define CODECELL_HTTP_REQUEST_HEAD_H

#include <stdbool.h>

struct http_request;

/* Checks the request line, without its CRLF; `line` is the same after the call. Sets method, minor and target. 0, or -1
 * after http_request_fail(). */
int http_head_check_line(struct http_request *request, char *line);

/* Checks a complete head, and joins the lines of one name. 0, or -1 after http_request_fail(). */
int http_head_check(struct http_request *request);

/* Whether a comma-separated list holds the token, in any case. */
bool http_list_has(const char *list, const char *token);

#endif
