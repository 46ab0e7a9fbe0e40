/* Turns text as editors leave it into text as languages take it. The byte order mark at the start of `code` and of text
 * files is taken off. CRLF becomes LF in files whose language would stumble over it. Each change is named in the
 * request's warnings. */
#ifndef CODECELL_RUN_REQUEST_TEXT_H
#define CODECELL_RUN_REQUEST_TEXT_H

#include "run/request.h"

/* Mends the code and the files of a request whose language is set. 0, or -1 with ERROR_INVALID (nothing follows the
 * mark of `code`) or ERROR_MEMORY. */
int request_text_settle(struct execution_request *request, struct error *error);

/* Bytes of a byte order mark (EF BB BF) at the start: 3 or 0. */
size_t request_text_mark(const char *text, size_t len);

/* Takes out each CR before an LF, in place; a CR elsewhere stays. Returns the new length. */
size_t request_text_lines(char *text, size_t len);

/* Whether the lines of a file should end with LF: if it begins with "#!", or if the language wants LF and the path ends
 * as the language's own file does, or with one of the language's names. */
bool request_text_wants_lf(const struct language *language, const char *path, const char *text, size_t len);

#endif
