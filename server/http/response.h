/* An answer's bytes: its status line, its headers, and the body of an error. */
#ifndef CODECELL_HTTP_RESPONSE_H
#define CODECELL_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

struct http_exchange;

/* A whole answer, in three steps. The first takes `body` and opens the filters; `type` must not live on. The second
 * gives the body to the filters, and may run on any thread. The third makes head and body ready to be written: 0, or -1
 * out of memory. */
void http_response_begin(struct http_exchange *ex, int status, const char *type, char *body, size_t len);
bool http_response_is_filtered(const struct http_exchange *ex); /* the second step has something to do */
void http_response_filter(struct http_exchange *ex);
int http_response_build(struct http_exchange *ex);

/* Makes the head of an answer that flows ready to be written, and sets the flow's `chunked` and `drops`. 0, or -1: out
 * of memory. */
int http_response_build_flow(struct http_exchange *ex, int status, const char *type);

/* Makes the head of a 101 ready to be written. 0, or -1: out of memory. */
int http_response_build_switch(struct http_exchange *ex, const char *protocol);

/* An error's body by the exchange's manners: free() it. NULL: out of memory. */
char *http_error_body(const struct http_exchange *ex, int status, const char *detail, size_t *len);

/* The same for an answer: the manners may change the status and add headers. */
char *http_error_say(struct http_exchange *ex, int *status, const char *detail, size_t *len);

#endif
