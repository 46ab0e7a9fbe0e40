/* What a command says about a program's answer, besides its output. */
#ifndef CODECELL_CLI_ANSWER_H
#define CODECELL_CLI_ANSWER_H

#include <jansson.h>

/* Prints the answer's warnings, and why the program was ended, on standard error. Returns the command's exit status:
 * the program's, or CLI_NOT_RUN. */
int answer_tell(const json_t *answer);

#endif
