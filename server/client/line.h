/* Lines that the user types: with editing and a history if standard input and output are a terminal and the program was
 * built with libedit, else as they come. */
#ifndef CODECELL_CLIENT_LINE_H
#define CODECELL_CLIENT_LINE_H

#include "base/buf.h"
#include "client/signals.h"

#include <stdbool.h>

#define LINE_HISTORY_MAX 1000 /* lines that are kept */

enum line_found {
    LINE_READ,
    LINE_DROPPED, /* by SIGINT */
    LINE_END,     /* of the input */
    LINE_SIGNAL,  /* another signal, which line_signal() names */
    LINE_FAILED,  /* the line is too long, or there is no memory */
};

struct line_reader;

/* `history`: the file that it is kept in, whose folder is made; NULL: nowhere. NULL: out of memory. */
struct line_reader *line_open(const char *history, const struct signals *signals);
void line_close(struct line_reader *reader); /* may be NULL */

bool line_is_typed(const struct line_reader *reader); /* standard input is a terminal */

/* Appends the next line, with its end, to `out`. The prompt is for a terminal alone. */
enum line_found line_read(struct line_reader *reader, const char *prompt, struct buf *out);
int line_signal(const struct line_reader *reader);

/* Puts each line of a text into the history. */
void line_remember(struct line_reader *reader, const char *text);

/* $XDG_STATE_HOME/codecell/NAME, or ~/.local/state/codecell/NAME. 0, or -1: there is no home, or it is too long. */
int line_history_path(const char *name, char *out, size_t room);

#endif
