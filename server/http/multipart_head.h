/* The texts of multipart/form-data: the boundary in a Content-Type, and the head of a part. Pure. */
#ifndef CODECELL_HTTP_MULTIPART_HEAD_H
#define CODECELL_HTTP_MULTIPART_HEAD_H

#include "http/multipart.h"

/* Puts the boundary into `out`, with its NUL. 0, or -1 as of multipart_open(). */
int multipart_boundary(const char *content_type, char out[MULTIPART_BOUNDARY_MAX + 1], struct error *error);

/* Reads the lines of a head, which ends with NUL and is written over: the part's texts point into it. 0, or -1 with
 * ERROR_INVALID: it has no Content-Disposition of form-data, or several, a malformed one, or a
 * Content-Transfer-Encoding that changes the bytes. In the names, %22, %0D and %0A stand for a quote, CR and LF, as
 * browsers and curl write them, and a backslash before a quote or a backslash is taken off. */
int multipart_head(char *head, size_t len, struct multipart_part *out, struct error *error);

#endif
