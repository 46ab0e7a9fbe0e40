/* `codecell run -i`: a program on the server that has the user's terminal. */
#ifndef CODECELL_CLI_TERMINAL_H
#define CODECELL_CLI_TERMINAL_H

#include "config.h"

#include <jansson.h>
#include <stdbool.h>

bool terminal_is_there(void); /* standard input is a terminal */

/* The languages whose prompt can be opened without a program, and the program that opens one; NULL: it has none. */
#define TERMINAL_PROMPTS "bash, javascript, python"
const char *terminal_prompt_of(const char *language);

/* `request`: the fields of execute; its `terminal` is set. Returns the program's exit status, or CLI_NOT_RUN. If a
 * signal ends the command, it does not return. */
int terminal_run(json_t *request, const struct config *config);

#endif
