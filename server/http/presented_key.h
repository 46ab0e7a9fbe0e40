/* The key that a request shows, where its manners look for one. */
#ifndef CODECELL_HTTP_PRESENTED_KEY_H
#define CODECELL_HTTP_PRESENTED_KEY_H

struct http_exchange;
struct http_manners;

/* The key that a request presents, within what the request says; "" is possible after a scheme. NULL: none. */
const char *http_presented_key(const struct http_exchange *ex, const struct http_manners *manners);

#endif
