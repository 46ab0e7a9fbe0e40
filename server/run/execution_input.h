/* What a client gives a program while it runs: standard input, signals, sizes of its terminal. */
#ifndef CODECELL_RUN_EXECUTION_INPUT_H
#define CODECELL_RUN_EXECUTION_INPUT_H

#include "run/execution.h"

/* More standard input, for a listener with on_input_wanted. Takes the first bytes (copied), and returns their number: 0
 * before on_input_wanted; all of them if the program cannot take any more. */
size_t execution_input(struct execution *execution, const void *data, size_t len);
void execution_input_end(struct execution *execution); /* after what was taken; not before on_input_wanted */

/* Sends the program a signal, one of frame_signals; no effect while it does not run. */
void execution_signal(struct execution *execution, uint32_t number);

/* Changes the size of its terminal; before the program runs, the size with which it starts. For a request that has a
 * terminal. */
void execution_resize(struct execution *execution, int64_t columns, int64_t rows);

/* For execution.c: feeds the request's own input as fast as the cell takes it; then it is the listener's turn. */
void execution_feed(void *execution);

#endif
