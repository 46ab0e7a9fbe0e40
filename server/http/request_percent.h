/* Percent escapes of a URL (RFC 3986, section 2.1). */
#ifndef CODECELL_HTTP_REQUEST_PERCENT_H
#define CODECELL_HTTP_REQUEST_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes percent escapes, and "+" as a space if `plus`, in place or into `out`. Returns the length, or -1: a bad
 * escape, or %00. */
long http_percent_decode(char *out, const char *text, size_t len, bool plus);

/* The byte that "%XX" at the beginning of `text` stands for, or -1; zero is refused, because it would end a string
 * early. */
int http_percent_value(const char *text, size_t len);

#endif
