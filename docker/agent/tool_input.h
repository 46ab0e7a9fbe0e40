/* The entries that the tool reads from its standard input (docker/wire/entry.h). */
#ifndef CODECELL_AGENT_TOOL_INPUT_H
#define CODECELL_AGENT_TOOL_INPUT_H

#include "docker/wire/entry.h"

/* The next event, never ENTRY_MORE. ENTRY_BROKEN also if the input ends before the stream does, or goes on after it. */
enum entry_event tool_input_next(struct entry_piece *piece);

#endif
