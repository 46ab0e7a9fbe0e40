/* Text as editors leave it to text as languages take it: a byte order mark at the start of `code` and of files in utf8
 * is taken off; CRLF becomes LF in what a language would stumble over. Each is told in the request's warnings. */
#ifndef CODECELL_API_EXECUTE_TEXT_H
#define CODECELL_API_EXECUTE_TEXT_H

#include "run/execution.h"

/* Mends the code and the files of a request whose language is settled. 0, or -1 with ERROR_INVALID (there is no code
 * behind its mark) or ERROR_INTERNAL. */
int execute_text_settle(struct execution_request *request, struct error *error);

/* Bytes of a byte order mark (EF BB BF) at the start: 3 or 0. */
size_t execute_text_mark(const char *text, size_t len);

/* Each CR before an LF is taken out, in place; a CR elsewhere stays. Returns the new length. */
size_t execute_text_lines(char *text, size_t len);

/* Whether the lines of a file are to end with LF: it begins with "#!", or its ending is that of the language's own file
 * or one of the language's names, and the language wants LF. */
bool execute_text_wants_lf(const struct language *language, const char *path, const char *text, size_t len);

#endif
