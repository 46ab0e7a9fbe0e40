/* An answer's bytes: its status line, its headers, and the body of an error. */
#ifndef CODECELL_HTTP_RESPONSE_H
#define CODECELL_HTTP_RESPONSE_H

#include <stddef.h>

struct http_exchange;

/* Makes the exchange's head and body ready to be written. Takes `body`. 0, or -1: out of memory. */
int http_response_build(struct http_exchange *ex, int status, const char *type, char *body, size_t len);

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
