/* When the input of `codecell repl` is a whole cell. Pure.
 *
 * A cell ends with its line, unless
 *   a bracket, a triple quote or a back quote is open, a comment of several lines is, or the line ends in a backslash;
 *   in Python: it has a line that ends in a colon, or it begins with @. Then it ends with an empty line.
 * It is no parser: what it takes for whole and is not, the language's own error says. */
#ifndef CODECELL_CLIENT_REPL_INPUT_H
#define CODECELL_CLIENT_REPL_INPUT_H

#include <stdbool.h>
#include <stddef.h>

enum repl_syntax { REPL_PYTHON, REPL_JAVASCRIPT };

/* `text`: all lines so far, the last one with its end. */
bool repl_input_is_whole(enum repl_syntax syntax, const char *text, size_t len);

/* The user wants to leave: exit, exit(), quit, quit() or .exit. */
bool repl_input_is_exit(const char *text, size_t len);

#endif
